"""The networks of the preset `paper`: shapes, bounds, missing values, attention."""

from __future__ import annotations

import pytest
import torch

from deepsalt.errors import BandError, ModelFileError, UsageError
from deepsalt.models import (
    AutoencoderShape,
    LabArchitecture,
    LabModel,
    PaperArchitecture,
    PaperModel,
    SparseAutoencoder,
    Student,
    TransformerShape,
)
from deepsalt.models.adaptation import alignment_loss, matched_layers
from deepsalt.models.architecture import from_card, to_card
from deepsalt.models.autoencoder import whitening
from deepsalt.models.tokens import CovariateTokens, LatentTokens
from deepsalt.models.transformer import BoundedHead

ENCODER = AutoencoderShape(bands=20, directions=12, hidden=(16, 12), latent=8)
TEACHER = TransformerShape(width=8, heads=2, layers=3, feedforward=16, dropout=0.0)
STUDENT = TransformerShape(width=12, heads=2, layers=4, feedforward=16, dropout=0.1)


@pytest.fixture
def paper() -> PaperModel:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return PaperModel(PaperArchitecture(ENCODER, 4, 2, STUDENT, LabArchitecture(ENCODER, 4, TEACHER)))


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_latent_has_mean_zero_and_variance_one() -> None:
    latent = SparseAutoencoder(ENCODER).encode(noise(5, 20))
    assert torch.allclose(latent.mean(dim=1), torch.zeros(5), atol=1e-5)
    assert torch.allclose(latent.var(dim=1, correction=0), torch.ones(5), atol=1e-3)


def test_scaler_gives_training_rows_mean_zero_and_mean_square_one() -> None:
    autoencoder = SparseAutoencoder(ENCODER)
    spectra = 3.0 + 0.2 * noise(50, 20) @ noise(20, 20, seed=1)
    autoencoder.fit_scaler(spectra)
    standard = autoencoder.standardise(spectra)
    assert torch.allclose(standard.mean(dim=0), torch.zeros(12), atol=1e-4)
    assert float(standard.square().mean()) == pytest.approx(1.0, rel=1e-3)


def test_scaler_does_not_depend_on_unit_or_offset_of_the_spectra() -> None:
    spectra, other = noise(60, 20) @ noise(20, 20, seed=1), SparseAutoencoder(ENCODER)
    autoencoder = SparseAutoencoder(ENCODER)
    autoencoder.fit_scaler(spectra)
    other.fit_scaler(100.0 * spectra + 7.0)
    difference = autoencoder.standardise(spectra) - other.standardise(100.0 * spectra + 7.0)
    assert float(difference.abs().max()) < 1e-2


def test_whitening_damps_directions_of_little_variance() -> None:
    strong, weak = noise(400, 3) * 10, noise(400, 3, seed=1) * 0.1
    spectra = torch.cat([strong, weak], dim=1)
    white = (spectra - spectra.mean(dim=0)) @ whitening(spectra - spectra.mean(dim=0), 6, effective=3.2)
    spread = white.var(dim=0)
    assert spread[:3].min() > 5 * spread[3:].max()
    assert spread[0] == pytest.approx(float(spread[2]), rel=0.05)


def test_band_that_never_varies_gives_finite_latents() -> None:
    spectra = noise(30, 20)
    spectra[:, 4] = 0.5
    autoencoder = SparseAutoencoder(ENCODER)
    autoencoder.fit_scaler(spectra)
    assert torch.isfinite(autoencoder.encode(spectra + 0.1)).all()


def test_spectra_that_never_vary_give_finite_latents() -> None:
    autoencoder = SparseAutoencoder(ENCODER)
    autoencoder.fit_scaler(torch.ones(30, 20))
    assert torch.isfinite(autoencoder.encode(torch.ones(2, 20))).all()


def test_wrong_band_count_says_both_numbers() -> None:
    with pytest.raises(BandError, match=r"\(3, 19\).*20 bands"):
        SparseAutoencoder(ENCODER).encode(noise(3, 19))


def test_tokens_are_slices_of_the_latent() -> None:
    tokens = LatentTokens(latent=8, tokens=4, width=6)
    latent = noise(2, 8)
    changed = latent.clone()
    changed[:, 2:4] += 1.0  # the second slice
    difference = (tokens(changed) - tokens(latent)).abs().sum(dim=(0, 2))
    assert tokens(latent).shape == (2, 5, 6)
    assert difference[2] > 0
    assert difference[[0, 1, 3, 4]].sum() == 0


def test_latent_that_cannot_be_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="8 values cannot be cut into 3"):
        LatentTokens(latent=8, tokens=3, width=6)


def test_missing_covariate_becomes_the_learned_missing_token() -> None:
    tokens = CovariateTokens(2, 6)
    out = tokens(torch.tensor([[1.0, float("nan")], [2.0, 0.5]]))
    assert torch.equal(out[0, 1], tokens.missing[1])
    assert not torch.equal(out[1, 1], tokens.missing[1])


def test_missing_covariates_do_not_poison_gradients() -> None:
    tokens = CovariateTokens(2, 6)
    tokens(torch.tensor([[1.0, float("nan")], [float("nan"), 0.5]])).sum().backward()
    for parameter in tokens.parameters():
        assert torch.isfinite(parameter.grad).all()


def test_covariate_scaler_ignores_missing_values() -> None:
    tokens = CovariateTokens(2, 6)
    tokens.fit_scaler(torch.tensor([[1.0, float("nan")], [3.0, float("nan")], [float("nan"), float("nan")]]))
    assert tokens.centre.tolist() == [2.0, 0.0]
    assert tokens.scale.tolist() == [1.0, 1.0]


def test_head_stays_between_zero_and_its_ceiling() -> None:
    head = BoundedHead(4)
    head.fit(torch.tensor([0.0, 1.0, 3.0]), margin=0.7)
    head.out.weight.data.copy_(torch.tensor([[1.0, 0.0, 0.0, 0.0]]))
    head.norm.weight.data.fill_(1e4)
    features = torch.tensor([[1.0, 1.0, 1.0, -1.0], [-1.0, -1.0, -1.0, 1.0]])
    low, high = sorted(head(features).tolist())
    assert low == 0.0
    assert high == pytest.approx(3.7)


def test_head_starts_at_the_mean_of_the_labels() -> None:
    head = BoundedHead(16)
    labels = noise(200).abs()
    head.fit(labels, margin=0.7)
    assert float(head(noise(500, 16)).detach().mean()) == pytest.approx(float(labels.mean()), abs=0.1)


def test_every_student_layer_has_a_teacher_layer() -> None:
    assert matched_layers(4, 3) == [0, 1, 1, 2]
    assert matched_layers(1, 3) == [2]
    assert matched_layers(3, 3) == [0, 1, 2]
    assert matched_layers(2, 5)[-1] == 4


def test_identical_pairs_align_better_than_shuffled_ones() -> None:
    latent, nobody = noise(6, 8), torch.eye(6, dtype=torch.bool)
    apart, contrast = alignment_loss(latent, latent, nobody, 0.07)
    wrong_apart, wrong_contrast = alignment_loss(latent, latent.roll(1, 0), nobody, 0.07)
    assert float(apart) == pytest.approx(0.0, abs=1e-6)
    assert wrong_apart > 0.5
    assert wrong_contrast > contrast + 1


def test_pixels_of_one_lab_sample_are_not_opposites() -> None:
    latent = noise(1, 8).expand(2, -1)
    _, contrast = alignment_loss(latent, latent, torch.ones(2, 2, dtype=torch.bool), 0.07)
    assert float(contrast) == pytest.approx(0.0, abs=1e-6)


def test_student_without_covariates_has_no_covariate_tokens() -> None:
    student = Student(STUDENT, latent=8, tokens=4, covariates=0)
    _, features = student(noise(3, 8), torch.empty(3, 0))
    assert [f.shape for f in features] == [(3, 5, 12)] * 4


def test_prediction_is_nan_exactly_where_a_band_is_nan(paper: PaperModel) -> None:
    spectra = noise(4, 20)
    spectra[2, 7] = float("nan")
    assert torch.isnan(paper.predict(spectra)).tolist() == [False, False, True, False]


def test_prediction_without_covariates_is_prediction_with_all_missing(paper: PaperModel) -> None:
    spectra = noise(4, 20)
    missing = torch.full((4, 2), float("nan"))
    assert torch.equal(paper.predict(spectra), paper.predict(spectra, missing))
    assert not torch.equal(paper.predict(spectra), paper.predict(spectra, torch.ones(4, 2)))


def test_prediction_leaves_training_mode_and_dropout_out(paper: PaperModel) -> None:
    paper.train()
    spectra = noise(4, 20)
    assert torch.equal(paper.predict(spectra), paper.predict(spectra))
    assert paper.training


def test_prediction_of_nothing_is_nothing(paper: PaperModel) -> None:
    assert paper.predict(torch.empty(0, 20)).shape == (0,)


def test_wrong_covariate_count_is_refused(paper: PaperModel) -> None:
    with pytest.raises(UsageError, match=r"\(4, 3\) for 4 spectra and 2 covariates"):
        paper.predict(noise(4, 20), noise(4, 3))


def test_model_without_lab_half_has_no_teacher() -> None:
    model = PaperModel(PaperArchitecture(ENCODER, 4, 0, STUDENT))
    with pytest.raises(UsageError, match="no teacher"):
        model.teacher_predict(noise(2, 20))


def test_lab_model_predicts_any_band_count() -> None:
    for bands in (5, 216, 851):
        shape = AutoencoderShape(bands, min(bands, 16), (16,), 8)
        assert LabModel(LabArchitecture(shape, 4, TEACHER)).predict(noise(3, bands)).shape == (3,)


def test_card_gives_the_architecture_back(paper: PaperModel) -> None:
    assert from_card(to_card(paper.architecture)) == paper.architecture
    assert from_card(to_card(paper.lab.architecture)) == paper.lab.architecture


@pytest.mark.parametrize(
    ("key", "value"),
    [("kind", "pickle"), ("tokens", -1), ("tokens", True), ("covariates", 10**9), ("student", None)],
)
def test_card_with_an_impossible_entry_is_refused(paper: PaperModel, key: str, value: object) -> None:
    with pytest.raises(ModelFileError):
        from_card({**to_card(paper.architecture), key: value})


@pytest.mark.parametrize(
    ("key", "value"), [("heads", 5), ("layers", 10**9), ("dropout", 1.0), ("dropout", None), ("width", 2.5)]
)
def test_card_with_an_impossible_transformer_is_refused(paper: PaperModel, key: str, value: object) -> None:
    card = to_card(paper.architecture)
    card["student"][key] = value
    with pytest.raises(ModelFileError):
        from_card(card)


@pytest.mark.parametrize("hidden", [[], [0], [10**9], "many", [1] * 100])
def test_card_with_impossible_hidden_layers_is_refused(paper: PaperModel, hidden: object) -> None:
    card = to_card(paper.architecture)
    card["satellite"]["hidden"] = hidden
    with pytest.raises(ModelFileError, match="hidden"):
        from_card(card)
