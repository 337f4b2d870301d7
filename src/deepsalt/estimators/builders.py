"""The scikit-learn regressors behind the baselines, of one setting each; `baselines` says which are tried.

    build(seed, (rows, features), **settings) -> regressor

Cubist, the rule model of many soil libraries, is not among them: its code is GPL, and so is the package
`cubist` that wraps it, which a package under a permissive licence cannot depend on.
"""

from __future__ import annotations

from typing import Any


def mean(_seed: int, _shape: tuple[int, int]) -> Any:
    from sklearn.dummy import DummyRegressor

    return DummyRegressor()


def plsr(_seed: int, shape: tuple[int, int], components: int) -> Any:
    from sklearn.cross_decomposition import PLSRegression

    rows, columns = shape
    return PLSRegression(max(1, min(components, rows - 1, columns)), scale=True)


def ridge(_seed: int, _shape: tuple[int, int], penalty: float) -> Any:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), Ridge(alpha=penalty))


def boosting(seed: int, _shape: tuple[int, int], leaves: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        learning_rate=0.08, max_iter=150, max_leaf_nodes=leaves, max_features=0.3, random_state=seed
    )


def forest(seed: int, _shape: tuple[int, int], leaf: int) -> Any:
    """Extremely randomised trees. Source: Geurts, Ernst and Wehenkel (2006), Machine Learning 63:3-42."""
    from sklearn.ensemble import ExtraTreesRegressor

    return ExtraTreesRegressor(
        n_estimators=100, min_samples_leaf=leaf, max_features=0.1, n_jobs=1, random_state=seed
    )


def svr(_seed: int, shape: tuple[int, int], penalty: float, components: int = 60) -> Any:
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    # By eigenvectors: on some processors the singular value decomposition does not converge.
    scores = PCA(min(components, shape[0] - 1, shape[1]), svd_solver="covariance_eigh")
    return make_pipeline(
        StandardScaler(), scores, StandardScaler(), SVR(C=penalty, gamma="scale", epsilon=0.05)
    )


def local(_seed: int, _shape: tuple[int, int], neighbours: int, components: int) -> Any:
    from deepsalt.estimators.local import LocalPLSRegressor

    return LocalPLSRegressor(neighbours, components)
