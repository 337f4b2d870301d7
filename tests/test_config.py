"""The config: checked whole, with the nearest key named."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from deepsalt.config import Config, load_config, parse_config
from deepsalt.errors import ConfigError
from deepsalt.pipeline.settings import paper_settings
from deepsalt.pipeline.template import TEMPLATE
from deepsalt.preprocessing.masks import SurfaceRules

MINIMAL = {"library": {"path": "lab.csv"}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({**MINIMAL, "libary": {}}, r"unknown key 'libary'.*Did you mean 'library'"),
        ({"library": {"path": "x", "domian": "mir"}}, r"unknown key 'library.domian'.*Did you mean 'domain'"),
        ({**MINIMAL, "split": {"test_shar": 0.1}}, r"Did you mean 'test_share'"),
        ({**MINIMAL, "split": {"xyz": 1}}, r"Known there: folds, library_covers_unseen"),
        ({**MINIMAL, "split": {"test_share": 1.5}}, r"split.test_share.*found '1.5'"),
        ({**MINIMAL, "method": {"preset": "magic"}}, r"method.preset.*'magic'"),
        ({**MINIMAL, "method": {"baselines": ["ridg"]}}, r"method.baselines.0.*'ridg'. Did you mean 'ridge'"),
        ({"library": {"path": "x", "ec": "ec1:3"}}, r"unknown EC method 'ec1:3'"),
        ({}, r"library: Field required"),
        ({**MINIMAL, "satellite": {"scenes": [], "points": "p.csv"}}, r"satellite.scenes"),
    ],
)
def test_a_wrong_config_gets_one_line(content: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse_config(content, where="my.toml")
    assert str(caught.value).startswith("my.toml: ")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


POINTS = {"scenes": ["s"], "points": "p.csv"}
SURVEY = {"polygons": ["a"], "components": ["b"], "horizons": ["c"]}


@pytest.mark.parametrize(
    ("content", "place", "meant"),
    [
        ({"lib": {}}, "lib", "library"),
        ({"satellite": {**POINTS, "max_day": 3}}, "satellite.max_day", "max_days"),
        ({"satellite": {**POINTS, "map_units": {**SURVEY, "top": 3}}}, "satellite.map_units.top", "top_cm"),
        ({"method": {"baseline": []}}, "method.baseline", "baselines"),
        ({"model": {"autor": "me"}}, "model.autor", "author"),
        ({"compare": {"draw": 3}}, "compare.draw", "draws"),
    ],
)
def test_a_key_is_looked_for_in_its_own_section(content: dict, place: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=rf"unknown key '{place}'. Did you mean '{meant}'"):
        parse_config({**MINIMAL, **content})


def test_the_template_is_a_valid_config_and_its_comments_are_true_defaults() -> None:
    config = parse_config(tomllib.loads(TEMPLATE))
    assert config.method == Config.model_validate(MINIMAL).method
    assert config.split == Config.model_validate(MINIMAL).split
    assert config.satellite is not None
    assert config.satellite.max_ndvi == 0.35
    assert config.satellite.rules() == SurfaceRules()
    assert config.satellite.composite is None


def test_every_commented_key_of_the_satellite_section_is_a_key() -> None:
    """The template with its surface rules switched on."""
    names = (
        "dry_vegetation",
        "water",
        "nbr2",
        "max_reflectance",
        "salt_crust_guard",
        "composite",
        "min_looks",
    )
    text = TEMPLATE
    for name in names:
        assert f"# {name} = " in text
        text = text.replace(f"# {name} = ", f"{name} = ")
    satellite = parse_config(tomllib.loads(text)).satellite
    assert satellite is not None
    assert satellite.rules() == SurfaceRules(0.35, 0.0, 0.0, 0.1, 1.2, salt_crust_guard=False)
    assert (satellite.composite, satellite.min_looks) == ("bare", 2)


def test_baselines_beside_the_default_ones_are_named() -> None:
    asked = ["svr-wide", "ridge", "forest", "local"]
    assert parse_config({**MINIMAL, "method": {"baselines": asked}}).method.baselines == asked
    assert parse_config(MINIMAL).method.baselines == ["mean", "plsr", "boosting", "svr"]


def test_paths_are_taken_from_the_configs_folder(tmp_path: Path) -> None:
    file = tmp_path / "a" / "c.toml"
    file.parent.mkdir()
    file.write_text('[library]\npath = "lab.csv"\n[satellite]\nscenes = ["s/*"]\npoints = "/abs/p.csv"\n')
    config = load_config(file)
    assert config.library.path == str(tmp_path / "a" / "lab.csv")
    assert config.satellite is not None
    assert config.satellite.scenes == [str(tmp_path / "a" / "s/*")]
    assert config.satellite.points == "/abs/p.csv"


def test_a_missing_file_and_broken_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such file.*deepsalt init"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[library\n")
    with pytest.raises(ConfigError, match=r"cannot be read as TOML.*line 1"):
        load_config(tmp_path / "bad.toml")


def test_settings_change_single_values_of_a_stage() -> None:
    settings = paper_settings({"response_weight": 0.5, "student": {"epochs": 3}, "hidden": [32, 16]})
    default = paper_settings({})
    assert settings.response_weight == 0.5
    assert (settings.student.epochs, settings.student.batch) == (3, default.student.batch)
    assert settings.hidden == (32, 16)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"respons_weight": 1.0},
            r"method.settings: unknown key 'respons_weight'. Did you mean 'response_weight'",
        ),
        ({"student": {"epoch": 1}}, r"method.settings.student: unknown key 'epoch'. Did you mean 'epochs'"),
        ({"student": 3}, r"is no table"),
        ({"latent": "big"}, r"'big' cannot be used. Give a value like the default"),
        ({"adaptation": False}, r"Move it to \[method\]"),
        ({"student": {"epochs": 0}}, r"method.settings.student: epochs is 0"),
    ],
)
def test_wrong_settings_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        paper_settings(changes)


@pytest.mark.parametrize(("told", "scenes", "wanted"), [
    (None, 5, 12_000), (None, 40, 24_000), (100, 40, 100), (0, 40, 0),
])  # fmt: skip
def test_many_scenes_give_enough_pixels_each_unless_a_number_is_told(
    told: int | None, scenes: int, wanted: int
) -> None:
    satellite = {"scenes": ["a"], "points": "p.csv", "unlabelled_pixels": told}
    config = parse_config({**MINIMAL, "satellite": satellite})
    assert config.satellite is not None
    assert config.satellite.pixels_wanted(scenes) == wanted
