"""Who learns and who is asked: splits that name the question they answer.

A splitter has the face of scikit-learn's (`get_n_splits`, `split(X, y, groups)`), so that it serves
`cross_val_score` and a grid search alike. Each tests every row once, and with `groups` given none of them
lets a group learn and be asked in the same fold.
"""

from deepsalt.splits.base import Nested, Rows, Splitter, nested_folds
from deepsalt.splits.blocks import SpatialBlocks
from deepsalt.splits.fitted import FittedOn, row_keys
from deepsalt.splits.grouped import GroupedFolds
from deepsalt.splits.matched import KNNDMFolds, Matching
from deepsalt.splits.parts import Split, grouped_folds, grouped_holdout, regional_split
from deepsalt.splits.regions import LeaveRegionOut

__all__ = [
    "FittedOn",
    "GroupedFolds",
    "KNNDMFolds",
    "LeaveRegionOut",
    "Matching",
    "Nested",
    "Rows",
    "SpatialBlocks",
    "Split",
    "Splitter",
    "grouped_folds",
    "grouped_holdout",
    "nested_folds",
    "regional_split",
    "row_keys",
]
