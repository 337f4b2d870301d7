"""The page: every number, nothing from the network, no markup from a name, parts left out."""

from __future__ import annotations

import base64
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.mapping.conftest import scene_of, soil
from tests.report.conftest import Layers, lab_run, predictions, write

from deepsalt.errors import UsageError
from deepsalt.mapping import map_scene
from deepsalt.report import page as report_page
from deepsalt.report import words, write_report
from deepsalt.report.content import MapFolder
from deepsalt.report.maps import section


class Page(HTMLParser):
    """Tags with their attributes, text, and the sections of a page; fails on unbalanced markup."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self._open, self.source = "", [], path.read_text("utf-8")
        self.feed(self.source)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text += data + " "

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def sections(self) -> list[str | None]:
        return [section.get("id") for section in self.of("section")]


def test_every_metric_is_on_the_page(run: Path) -> None:
    page = Page(write_report(run))
    shown = {float(str(data["value"])) for data in page.of("data")}
    metrics = json.loads((run / "metrics.json").read_text("utf-8"))
    for row in metrics["results"]:
        assert {v for scale in ("ln", "dS_m") for v in row[scale].values()} <= shown
        assert f" {row['n']} " in page.text
    assert "61.25" in page.text  # seconds of training
    for part in metrics["parts"].values():
        assert part["title"] in page.text
        assert part["question"] in page.text
    assert metrics["notes"][0] in page.text


def test_a_metric_without_a_value_is_a_dash(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text("utf-8"))
    metrics["results"][0]["ln"]["ccc"] = None
    write(run, "metrics", metrics)
    page = Page(write_report(run))
    assert [span for span in page.of("span") if span.get("title") == "not defined"] == [
        {"title": "not defined"}
    ]


def test_the_best_of_each_column_is_bold(run: Path) -> None:
    page = write_report(run).read_text("utf-8")
    metrics = json.loads((run / "metrics.json").read_text("utf-8"))
    rows = [row for row in metrics["results"] if row["part"] == "test"]
    bold = set(re.findall(r'<td class="best [a-z]*"><data value="([^"]+)"', page))
    assert str(min(row["ln"]["rmse"] for row in rows)) in bold
    assert str(max(row["dS_m"]["r2"] for row in rows)) in bold
    assert str(min((row["ln"]["bias"] for row in rows), key=abs)) in bold
    assert str(max(row["ln"]["rmse"] for row in rows)) not in bold


def test_the_page_asks_nothing_from_the_network(run_with_maps: Path) -> None:
    page = Page(run_with_maps / "report.html")
    for _, attributes in page.tags:
        for key in ("src", "href", "srcset", "action"):
            if key in attributes:
                assert str(attributes[key]).startswith(("data:", "#"))
    assert not re.search(r"""(src|href)\s*=\s*["']?\s*(https?:)?//""", page.source)
    assert "@import" not in page.source
    assert "url(" not in page.source
    assert not page.of("script")
    assert not page.of("link")


def test_every_picture_says_what_it_shows_and_is_one(run_with_maps: Path) -> None:
    images = Page(run_with_maps / "report.html").of("img")
    # bars, two scatters, curves, triptych and map of one scene, map of the other
    assert len(images) == 7
    for image in images:
        assert len(str(image["alt"])) > 20
        kind, _, data = str(image["src"]).partition(";base64,")
        head = base64.b64decode(data)[:300]
        assert head.startswith(b"\x89PNG") if kind == "data:image/png" else b"<?xml" in head


def test_sections_and_the_banner_of_a_simulated_run(run_with_maps: Path) -> None:
    page = Page(run_with_maps / "report.html")
    assert page.sections == ["headline", "data", "metrics", "training", "maps", "limits", "settings"]
    assert "Simulated data." in page.text
    for limit in ("top millimetres", "no band of its own", "2–2.5 dS/m"):
        assert limit in page.text
    assert "00ff00ff00ff00ff" in page.text


def test_maps_show_areas_masked_shares_and_agreement(run_with_maps: Path) -> None:
    text = Page(run_with_maps / "report.html").text
    summary = json.loads((run_with_maps / "maps/ENMAP-delta/map.json").read_text("utf-8"))
    for item in summary["classes"]:
        hectares = item["hectares"]
        assert (f"{hectares:.0f} ha" if hectares >= 100 else f"{hectares:.3g} ha") in text
    assert summary["reasons"] == {"background": 180, "cloud": 150, "cloud_shadow": 75}
    for part in ("180 pixels", "150 pixels", "5.0 %", "cloud shadow", "2.5 %"):
        assert part in text
    assert f"{summary['truth']['pearson_ln']:.3f}" in text
    assert text.count("Agreement with the known truth") == 1


def test_a_laboratory_run_names_its_own_target(tmp_path: Path) -> None:
    page = Page(write_report(lab_run(tmp_path / "lab")))
    assert page.sections == ["headline", "metrics", "limits", "settings"]
    assert "on ln(1 + EC1:2.5)" in page.text
    assert "they are not ECe" in page.text
    assert "Simulated data." not in page.text
    assert "more error than partial least squares" in page.text


def test_a_run_with_metrics_alone_still_has_a_report(run: Path) -> None:
    for file in run.iterdir():
        if file.name != "metrics.json":
            file.unlink()
    page = Page(write_report(run))
    assert page.sections == ["headline", "metrics", "limits", "settings"]
    assert "too few groups to say whether that is chance" in page.text


HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)> & $\\frac{1}$ ünï'


def test_hostile_names_stay_text(run: Path) -> None:
    for name in ("metrics", "data", "config", "history", "versions", "split"):
        content = (run / f"{name}.json").read_text("utf-8")
        for word in ("paper", "Grouped random test", "ENMAP-delta", "three regions", "alignment", "numpy"):
            content = content.replace(word, json.dumps(HOSTILE)[1:-1])
        (run / f"{name}.json").write_text(content, "utf-8")
    table = pd.read_parquet(run / "predictions.parquet").replace({"paper": HOSTILE, "delta": HOSTILE})
    table.to_parquet(run / "predictions.parquet")
    scene = scene_of(soil(4, 4, 0.1), name=HOSTILE)
    map_scene(Layers(), scene, run / "maps")
    page = Page(write_report(run))
    assert not page.of("script")
    assert not [image for image in page.of("img") if image.get("src") == "x"]
    assert page.text.count(HOSTILE) >= 6


def test_same_run_same_bytes(run_with_maps: Path, tmp_path: Path) -> None:
    again = write_report(run_with_maps, tmp_path / "again.html")
    assert again.read_bytes() == (run_with_maps / "report.html").read_bytes()


def test_noisy_maps_do_not_make_the_page_too_big(run: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(report_page, "_PICTURE_BYTES", 1000)
    rng = np.random.default_rng(0)
    for name in ("A", "B"):
        map_scene(Layers(), scene_of(soil(90, 90, rng.uniform(0, 0.3, (90, 90))), name=name), run / "maps")
    page = Page(write_report(run))
    assert page.text.count("would make this page too big") == 1
    assert "maps/B/quicklook.png" in page.text


def test_even_the_noisiest_scene_leaves_the_page_below_three_megabytes(tmp_path: Path) -> None:
    """Pictures stop after the scene that passes the limit; base64 adds a third, the rest is small."""
    rng = np.random.default_rng(0)
    noise = np.expm1(rng.uniform(0, 3.4, (900, 900)))
    result = map_scene(Layers(), scene_of(soil(900, 900, noise / 100), block=(900, 900)), tmp_path)
    shutil.copy(result.ece, result.folder / "truth.tif")
    facts = {**result.summary, "layers": {**result.summary["layers"], "truth": "truth.tif"}}
    shown = section(MapFolder(result.folder, facts), with_pictures=True)
    assert len(shown.pictures) == 2
    most = report_page._PICTURE_BYTES + sum(len(picture.data) for picture in shown.pictures)
    assert most * 4 / 3 < 2_600_000


def test_no_run_and_a_damaged_run_are_one_clear_line(tmp_path: Path, run: Path) -> None:
    with pytest.raises(UsageError, match=r"no finished run there.*deepsalt train"):
        write_report(tmp_path)
    (run / "history.json").write_text("[{", "utf-8")
    with pytest.raises(UsageError, match=r"history\.json: cannot be read"):
        write_report(run)
    (run / "history.json").unlink()
    (run / "predictions.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(UsageError, match=r"predictions\.parquet: cannot be read"):
        write_report(run)
    assert not (run / "report.html").exists()


def test_many_methods_are_all_in_the_table(run: Path) -> None:
    from deepsalt.evaluation.protocol import TEST, metrics_document

    table = predictions({f"method-{i}": 0.1 + i / 20 for i in range(9)}, {"test": 40})
    table.to_parquet(run / "predictions.parquet")
    write(run, "metrics", metrics_document(table, [TEST], target="ECe", simulated=False, training={}))
    page = Page(write_report(run))
    assert all(f"method-{i} " in page.text for i in range(9))


def test_strata_detection_and_label_error_of_the_full_method_are_on_the_page(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text("utf-8"))
    shown = [row for row in metrics["strata"] if (row["method"], row["part"]) == ("paper", "test")]
    assert {row["by"] for row in shown} == {"class", "region"}
    for row in metrics["results"]:
        row["label_error"] = {"ln": {"n": 80, "share": 0.314, "true_rmse": 0.2, "best_r2": 0.93}}
    write(run, "metrics", metrics)
    page = Page(write_report(run))
    text = " ".join(page.text.split())
    for row in shown:
        edges = row["intervals"]["ln"]["rmse"] if "intervals" in row else []
        between = " to ".join(words.number(edge) for edge in edges) or "too few groups"
        assert f"{row['value']} {row['n']} {words.number(row['ln']['rmse'])} {between}" in text
    assert any("intervals" in row for row in shown)
    for one in next(row for row in metrics["results"] if row["method"] == "paper")["detection"]:
        between = " to ".join(map(words.number, one["intervals"]["auc"]))
        counts = " ".join(words.number(one[key]) for key in ("f1", "tp", "fp", "fn", "tn"))
        numbers = f"{words.number(one['auc'])} {between} {counts}"
        assert f"{one['threshold']:g} {numbers}" in text
    assert "31 % is that of the labels themselves (80 labels" in text
    assert 'class="banner leak"' not in page.source


def test_a_run_of_an_earlier_version_has_no_strata_and_still_a_page(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text("utf-8"))
    for key in ("strata", "intervals", "leaks"):
        del metrics[key]
    for row in metrics["results"]:
        for key in ("detection", "intervals", "groups"):
            del row[key]
    write(run, "metrics", metrics)
    assert "by class, place and season" not in Page(write_report(run)).text


def test_stated_errors_that_are_too_large_are_said(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text("utf-8"))
    for row in metrics["results"]:
        row["label_error"] = {"ln": {"n": 80, "share": 1.2, "true_rmse": 0.0, "best_r2": 0.1}}
    write(run, "metrics", metrics)
    assert "larger than the error that is seen" in Page(write_report(run)).text
