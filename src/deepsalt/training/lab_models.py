"""The simple models that the gate may keep in the network's stead, each in the form of a `LabNet`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from deepsalt.models.architecture import LabNetArchitecture
from deepsalt.models.lab_net import LabNet
from deepsalt.quiet import quiet
from deepsalt.training.lab_data import LabData, Readers
from deepsalt.training.lab_settings import LabSettings

_COMPONENTS = 30
_PENALTY, _TUBE = 3.0, 0.05


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
        line = np.append(np.zeros(x.shape[1]), data.y.mean())
    else:
        with quiet(message=".*residual is constant"):  # nothing left to explain: it stops there
            fitted = PLSRegression(min(_COMPONENTS, x.shape[1], len(x) - 1), scale=False).fit(x, data.y)
        slopes = np.ravel(fitted.coef_)
        line = np.append(slopes, float(np.ravel(fitted.intercept_)[0] - x.mean(axis=0) @ slopes))
    with torch.no_grad():
        model.network.weights[0].copy_(torch.as_tensor(line[:-1]).reshape(1, -1, 1))
        model.network.biases[0].fill_(float(line[-1]))
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
