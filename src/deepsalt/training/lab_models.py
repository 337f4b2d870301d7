"""The simple models that the gate may keep in the network's stead, each in the form of a `LabNet`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from deepsalt.models.architecture import LabNetArchitecture
from deepsalt.models.lab_net import LabNet
from deepsalt.quiet import quiet
from deepsalt.training.lab_data import LabData, Readers, slopes_of
from deepsalt.training.lab_settings import LabSettings

_COMPONENTS = 30
_PENALTY, _TUBE = 3.0, 0.05
_SLOPES = 20
_MOST_ASKED, _MOST_KNOWN = 300, 3_000  # samples that lengths, and the mean, are learned from
_LENGTHS, _NOISE = (1.0, 1e3), (1e-2, 10.0)  # of inputs and labels of variance 1


def inputs_of(model: LabNet, data: LabData) -> np.ndarray:
    """(n, width) what the model's readers make of the spectra."""
    with torch.no_grad():
        return model.inputs([torch.as_tensor(one.values) for one in data.domains]).double().numpy()


def new_model(
    data: LabData,
    readers: Readers,
    network: str,
    settings: LabSettings,
    *,
    members: int = 0,
    vectors: int = 0,
) -> LabNet:
    """An untrained model behind these readers; without members it is a simple one."""
    architecture = LabNetArchitecture(
        bands=tuple(len(one.steps) for one in data.domains),
        widths=tuple(reader.matrix.shape[1] for reader in readers),
        reflectance=tuple(one.reflectance for one in data.domains),
        network=network,
        hidden=settings.hidden if members else (),
        members=max(members, 1),
        dropout=settings.dropout if members else 0.0,
        vectors=vectors,
    )
    model = LabNet(architecture)
    model.readers = nn.ModuleList(readers)
    if data.bounded:
        model.bounds.copy_(torch.tensor([0.0, float(data.y.max()) + settings.ceiling_margin]))
    return model


def line(data: LabData, readers: Readers, settings: LabSettings, _seed: int) -> LabNet:
    """Partial least squares on the same inputs, 30 components: a network without a hidden layer."""
    from sklearn.cross_decomposition import PLSRegression

    model = new_model(data, readers, "scores", settings)
    x = inputs_of(model, data)
    if data.y.std() < 1e-9:
        weights = np.append(np.zeros(x.shape[1]), data.y.mean())
    else:
        with quiet(message=".*residual is constant"):  # nothing left to explain: it stops there
            fitted = PLSRegression(min(_COMPONENTS, x.shape[1], len(x) - 1), scale=False).fit(x, data.y)
        slopes = np.ravel(fitted.coef_)
        weights = np.append(slopes, float(np.ravel(fitted.intercept_)[0] - x.mean(axis=0) @ slopes))
    with torch.no_grad():
        model.network.weights[0].copy_(torch.as_tensor(weights[:-1]).reshape(1, -1, 1))
        model.network.biases[0].fill_(float(weights[-1]))
    return model.eval()


def support_vectors(data: LabData, readers: Readers, settings: LabSettings, seed: int) -> LabNet:
    """Support vector regression with a Gaussian kernel on the same inputs."""
    from sklearn.svm import SVR

    x = inputs_of(new_model(data, readers, "scores", settings), data)
    gamma = 1.0 / (x.shape[1] * max(float(x.var()), 1e-9))
    fitted = SVR(C=_PENALTY, epsilon=_TUBE, gamma=gamma).fit(x, data.y)
    if not len(fitted.support_):  # every label lies within the tube
        return line(replace(data, y=np.full_like(data.y, fitted.intercept_[0])), readers, settings, seed)
    model = new_model(data, readers, "vectors", settings, vectors=len(fitted.support_))
    with torch.no_grad():
        model.network.vectors.copy_(torch.as_tensor(fitted.support_vectors_))
        model.network.weights.copy_(torch.as_tensor(fitted.dual_coef_[0]))
        model.network.shape.copy_(torch.tensor([gamma, float(fitted.intercept_[0])]))
    return model.eval()


def gaussian_process(data: LabData, readers: Readers, settings: LabSettings, seed: int) -> LabNet:
    """The mean of a Gaussian process on slopes, with a length for each of their directions.

    Lengths, amplitude and noise are learned from some hundred samples, the mean from some thousand.
    """
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    if data.y.std() < 1e-9:
        return line(data, readers, settings, seed)
    order = np.random.default_rng(seed).permutation(len(data.y))
    some, known = (data.take(np.sort(order[:most])) for most in (_MOST_ASKED, _MOST_KNOWN))
    own = [slopes_of(domain, _SLOPES) for domain in known.domains]
    amplitude, noise = _learn_lengths(own, some, settings)
    x, y = inputs_of(new_model(known, own, "scores", settings), known), known.y.astype(float)
    kernel = ConstantKernel(amplitude) * RBF(1.0) + WhiteKernel(noise)
    fitted = GaussianProcessRegressor(kernel, optimizer=None, normalize_y=True).fit(x, y)
    model = new_model(data, own, "vectors", settings, vectors=len(x))
    with torch.no_grad():
        model.network.vectors.copy_(torch.as_tensor(x))
        model.network.weights.copy_(torch.as_tensor(amplitude * y.std() * fitted.alpha_))
        model.network.shape.copy_(torch.tensor([0.5, y.mean()]))
    return model.eval()


def _learn_lengths(readers: Readers, data: LabData, settings: LabSettings) -> tuple[float, float]:
    """Divide the directions of the readers by their lengths; amplitude and noise, of labels of variance 1.

    All have the largest marginal likelihood (automatic relevance determination: Rasmussen and Williams 2006,
    Gaussian Processes for Machine Learning, 5.1): a direction that EC does not hang on gets a long one.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    x = inputs_of(new_model(data, readers, "scores", settings), data)
    widths = [reader.matrix.shape[1] for reader in readers]
    # Flags that tell which domains are there, behind the directions, keep a length of 1.
    flags = x.shape[1] - sum(widths)
    bounds = [_LENGTHS] * sum(widths) + [(1.0, 1.0 + 1e-9)] * flags
    start = np.repeat([sum(widths) ** 0.5, 1.0], [sum(widths), flags])
    kernel = ConstantKernel() * RBF(start, bounds) + WhiteKernel(0.2, _NOISE)
    with quiet(ConvergenceWarning):
        found = GaussianProcessRegressor(kernel, normalize_y=True).fit(x, data.y.astype(float)).kernel_
    lengths = torch.as_tensor(found.k1.k2.length_scale[: sum(widths)])
    for reader, part in zip(readers, lengths.split(widths), strict=True):
        reader.matrix.div_(part)
    return found.k1.k1.constant_value, found.k2.noise_level
