"""Wide tables: names of bands, units, EC, places, and every bad table with its message."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import deepsalt as ds
from deepsalt.errors import AxisError, DeepSaltError, LabelError, ProductError, SpectraError, UsageError
from deepsalt.readers.spectral_columns import find_bands

OSSL = (
    "id.layer_uuid_txt,latitude.point_wgs84_dd,longitude.point_wgs84_dd,layer.upper.depth_usda_cm,"
    "layer.lower.depth_usda_cm,ec_usda.a364_ds.m,clay.tot_usda.a334_w.pct,"
    "scan_mir.602_abs,scan_mir.600_abs,scan_visnir.400_ref,scan_visnir.500_ref"
)
ROW_1 = "007,36.5,-120.1,0,10,1.5,30,0.2,0.1,0.31,0.41"
ROW_2 = "008,36.6,-120.2,10,30,-1,-9,0.4,0.3,0.32,0.42"


def test_ossl_names_become_standard_columns(write_csv) -> None:
    spectra = ds.read(write_csv(OSSL, ROW_1, ROW_2), domain="mir")
    assert spectra.quantity == "absorbance"
    assert (spectra.axis.unit, spectra.axis.values.tolist()) == ("cm-1", [600.0, 602.0])
    np.testing.assert_allclose(spectra.values, [[0.1, 0.2], [0.3, 0.4]], rtol=1e-6)
    samples = spectra.samples
    assert samples["id"].tolist() == ["007", "008"]
    assert samples["latitude"].tolist() == [36.5, 36.6]
    assert samples["depth_bottom_cm"].tolist() == [10, 30]
    np.testing.assert_array_equal(samples["ec_ds_m"], [1.5, np.nan])
    assert samples["ec_method"].tolist()[0] == "EC1:2"
    assert pd.isna(samples["ec_method"][1])
    np.testing.assert_array_equal(samples["clay_pct"], [30, np.nan])
    assert samples["ec_usda.a364_ds.m"].tolist() == [1.5, -1], "the column of the file stays as it was"
    assert not [name for name in samples if name.startswith("scan_")]
    told = " | ".join(spectra.provenance)
    for part in ("EC1:2, dS/m", "ISO 11265", "1 negative values of ec_usda", "sorted by their centre"):
        assert part in told


def test_several_domains_must_be_chosen(write_csv) -> None:
    path = write_csv(OSSL, ROW_1)
    with pytest.raises(
        UsageError, match=r"several domains: mir \(2 bands\), visnir \(2 bands\).*domain='mir'"
    ):
        ds.read(path)
    with pytest.raises(UsageError, match=r"no spectra of domain 'nir'. The file holds mir"):
        ds.read(path, domain="nir")
    with pytest.raises(UsageError, match="unknown domain 'visible'"):
        ds.read(path, domain="visible")
    visnir = ds.read(path, domain="visnir")
    assert (visnir.quantity, visnir.axis.unit) == ("reflectance", "nm")


@pytest.mark.parametrize("name", ["table.parquet", "table.csv", "table.csv.gz", "semicolon.csv", "tab.tsv"])
def test_all_forms_give_the_same_spectra(tmp_path: Path, name: str) -> None:
    table = pd.DataFrame(
        {
            "id": ["a", "b"],
            "clay": [10.5, 20.0],
            "450nm": [0.25, 0.5],
            "550nm": [0.75, np.nan],
            "650nm": [0.5, 1.0],
        }
    )
    path = tmp_path / name
    if name.endswith("parquet"):
        table.set_index("id").reset_index().to_parquet(path)
    elif name == "semicolon.csv":
        table.to_csv(path, sep=";", decimal=",", index=False)
    else:
        table.to_csv(path, sep="\t" if name == "tab.tsv" else ",", index=False)
    spectra = ds.read(path)
    np.testing.assert_array_equal(spectra.values, np.float32([[0.25, 0.75, 0.5], [0.5, np.nan, 1.0]]))
    assert spectra.axis.values.tolist() == [450, 550, 650]
    assert spectra.samples["id"].tolist() == ["a", "b"]
    assert spectra.samples["clay_pct"].tolist() == [10.5, 20.0]


@pytest.mark.parametrize(
    ("header", "unit", "values"),
    [
        (("X350", "X351", "X352"), None, None),
        (("wl_350", "wl_351", "wl_352"), "nm", [350, 351, 352]),
        (("2600.5", "2601.5", "2650"), None, None),
        (("310", "320", "330"), "nm", [310, 320, 330]),
        (("0.45", "0.55", "0.651"), "nm", [450, 550, 651]),
        (("wl_0.45um", "wl_0.55um", "wl_0.65um"), "nm", [450, 550, 650]),
        (("600", "3000", "4000"), "cm-1", [600, 3000, 4000]),
        (("wn1000", "wn1002", "wn1004"), "cm-1", [1000, 1002, 1004]),
        (("1000 cm-1", "1002 cm-1", "1004 cm-1"), "cm-1", [1000, 1002, 1004]),
    ],
)
def test_the_unit_is_told_or_follows_from_the_range(header, unit, values) -> None:
    if unit is None:
        with pytest.raises(AxisError, match=r"may be nm or cm-1. Say unit='nm'"):
            find_bands(header)
        assert find_bands(header, unit="nm").axis.unit == "nm"
        return
    bands = find_bands(header)
    assert (bands.axis.unit, bands.axis.values.tolist()) == (unit, values)
    assert bands.quantity == ("reflectance" if unit == "nm" else "absorbance")


@pytest.mark.parametrize(
    ("header", "options", "message"),
    [
        ("0.45,0.55,0.65", {"unit": "nm"}, "look like micrometres"),
        ("0.45um,0.55um,0.65um", {"unit": "nm"}, "the column names say um"),
        ("310nm,320nm,330nm", {"unit": "cm-1"}, "the column names say nm"),
        ("310,320,330", {"unit": "cm-1"}, "They look like nm"),
        ("450,550,450.0", {"unit": "nm"}, "450 nm stands there twice .columns 450 and 450.0"),
        ("450,550,450", {"unit": "nm"}, "450 nm stands there twice .columns 450 and 450"),
        ("scan_visnir.400_ref,scan_visnir.400.0_ref", {}, "400 nm stands there twice"),
        ("scan_mir.600_abs,scan_mir.602_abs", {"unit": "nm"}, "say cm-1"),
        ("450,550,650", {"unit": "um"}, "declared as micrometres. They look like nm"),
        ("450,550,650", {"unit": "A"}, "unknown unit"),
    ],
)
def test_wrong_wavelengths(write_csv, header: str, options: dict, message: str) -> None:
    row = ",".join(["0.5"] * len(header.split(",")))
    with pytest.raises(AxisError, match=message) as caught:
        ds.read(write_csv(header, row), **options)
    assert "table.csv" in str(caught.value)


@given(order=st.permutations(range(8)), values=st.lists(st.floats(0, 1, width=32), min_size=8, max_size=8))
def test_column_order_does_not_matter(tmp_path_factory, order: list[int], values: list[float]) -> None:
    names = [f"{400 + 50 * i}nm" for i in range(8)]
    path = tmp_path_factory.getbasetemp() / "permuted.csv"
    lines = (",".join(names[i] for i in order), ",".join(repr(values[i]) for i in order))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    spectra = ds.read(path)
    np.testing.assert_array_equal(spectra.values[0], np.float32(values))
    assert spectra.axis.values.tolist() == [400 + 50 * i for i in range(8)]


HEAD = "id,450nm,550nm"
HEAD3 = "id,{},450nm,550nm,650nm"


def ec_table(write_csv, columns: str, *rows: str) -> Path:
    return write_csv(HEAD3.format(columns), *(f"s{n},{row},.1,.2,.3" for n, row in enumerate(rows)))


@pytest.mark.parametrize(
    ("columns", "row", "options", "expected"),
    [
        ("ece_ds_m", "4", {}, (4.0, "ECe")),
        ("EC_1to5_ds.m", "0.4", {}, (0.4, "EC1:5")),
        ("ec_1to2.5_uS_cm", "1200", {}, (1.2, "EC1:2.5")),
        ("ec_iso.11265_ds.m", "0.2", {}, (0.2, "EC1:5")),
        ("EC", "2", {"ec": "ec1:5"}, (2.0, "EC1:5")),
        ("EC(mS cm-1)", "2", {"ec": "ECe"}, (2.0, "ECe")),
        ("EC", "1500", {"ec": "ec1:5", "ec_unit": "uS/cm"}, (1.5, "EC1:5")),
        ("salt", "2", {"ec": "ec1:1", "ec_column": "salt"}, (2.0, "EC1:1")),
        ("ece_ds_m,ec_1to5_ds_m", "4,0.5", {"ec": "1:5"}, (0.5, "EC1:5")),
        ("ece_ds_m,ec_1to5_ds_m", "4,0.5", {"ec_column": "ece_ds_m"}, (4.0, "ECe")),
        ("ec_ds_m,ec_method", "0.7,EC1:2", {}, (0.7, "EC1:2")),
        ("ec_1to5_mS_m", "40", {}, (0.4, "EC1:5")),
        ("ec_1to5_mS_cm", "0.4", {}, (0.4, "EC1:5")),
        ("ec_1to5 (dS/m)", "0.4", {}, (0.4, "EC1:5")),
        ("ECEC,ece (cmol/kg),ec_1to5_ds_m", "12,12,0.4", {}, (0.4, "EC1:5")),
        ("TDS_mg_L", "640", {"ec": "ece", "ec_column": "TDS_mg_L"}, (1.0, "ECe")),
        ("tds", "4800", {"ec": "ece", "ec_column": "tds", "ec_unit": "ppm"}, (6.0, "ECe")),
    ],
)
def test_ec_by_its_method(write_csv, columns: str, row: str, options: dict, expected: tuple) -> None:
    samples = ds.read(ec_table(write_csv, columns, row), **options).samples
    assert samples["ec_ds_m"][0] == pytest.approx(expected[0])
    assert samples["ec_method"][0] == expected[1]
    assert ("ece_ds_m" in samples) == (expected[1] == "ECe")


@pytest.mark.parametrize(
    ("columns", "row", "note"),
    [
        ("EC", "2", "the name of EC does not tell the method; say ec="),
        ("ec_ds_m", "2", "the name of ec_ds_m does not tell the method"),
        ("ece_ds_m,ec_1to5_ds_m", "4,0.5", r"several columns hold it: ece_ds_m (ECe), ec_1to5_ds_m (EC1:5)"),
        ("clay", "4", "no EC column found"),
        ("ECEC", "12", "no EC column found"),
        ("ece (cmol(+)/kg)", "12", "no EC column found"),
        ("TDS_mg_L", "640", "no EC column found"),
    ],
)
def test_ec_that_is_not_clear_is_not_used_and_says_why(write_csv, columns: str, row: str, note: str) -> None:
    spectra = ds.read(ec_table(write_csv, columns, row))
    assert not {"ec_ds_m", "ec_method", "ece_ds_m"} & set(spectra.samples)
    assert note in " | ".join(spectra.provenance)


@pytest.mark.parametrize(
    ("columns", "rows", "options", "message"),
    [
        ("salt", ["2"], {"ec_column": "salt"}, "EC without a method: the name of column salt"),
        ("EC", ["2", "-0.5", "-1"], {"ec": "ece"}, r"EC below zero in rows 2, 3 of column EC \(-0.5 dS/m\)"),
        ("ece_ds_m", ["-2"], {}, "EC below zero in row 1 of column ece_ds_m"),
        ("ece_ds_m", ["2"], {"ec": "ec1:5"}, r"no column holds EC1:5. There are: ece_ds_m \(ECe\)"),
        ("ece_ds_m", ["2"], {"ec_column": "ece_ds_m", "ec": "ec1:5"}, "says ECe, ec= says EC1:5"),
        (
            "ece_ds_m",
            ["2"],
            {"ec_unit": "uS/cm"},
            "ec_unit='uS/cm', but the name of column ece_ds_m says dS/m",
        ),
        ("ECe", ["2"], {"ec_unit": "g/L"}, "unknown unit of EC 'g/L'"),
        ("ECe", ["2"], {"ec": "wet"}, "unknown EC method 'wet'"),
        ("ECe", ["1200"], {}, r"EC of 1200 dS/m in row 1 of column ECe .* beyond any soil.*ec_unit='uS/cm'"),
        ("ECe", ["1", "much"], {}, "'much' in row 2 of column ECe is not a number"),
        ("ece (cmol/kg)", ["12"], {"ec": "ece", "ec_column": "ece (cmol/kg)"}, "holds cation exchange"),
        ("tds_ppm", ["640"], {"ec": "ece", "ec_column": "tds_ppm"}, "dissolved salts .* Say ec_unit='mg/L'"),
        ("EC,ec_other", ["1,2"], {"ec": "ece"}, "several columns may hold ECe: EC, ec_other"),
        ("ec_ds_m,ec_method", ["1,EC1:5", "2,"], {}, "EC without a method in row 2 of column ec_method"),
    ],
)
def test_ec_that_cannot_be(write_csv, columns: str, rows: list[str], options: dict, message: str) -> None:
    with pytest.raises(LabelError, match=message) as caught:
        ds.read(ec_table(write_csv, columns, *rows), **options)
    assert "\n" not in str(caught.value)


def test_places_swapped_and_impossible(write_csv) -> None:
    good = ec_table(write_csv, "lat,lon", "36,-120", ",")
    assert ds.read(good).samples["latitude"].tolist()[0] == 36
    with pytest.raises(
        LabelError, match=r"2 of 2 places .* row 1, latitude -120, .* look swapped. Swap them"
    ):
        ds.read(ec_table(write_csv, "lat,lon", "-120,36", "-121,37"))
    with pytest.raises(LabelError, match=r"1 of 1 places are not on Earth .* Latitude is -90 to 90"):
        ds.read(ec_table(write_csv, "lat,lon", "36,200"))
    with pytest.raises(LabelError) as caught:
        ds.read(ec_table(write_csv, "lat,lon", "-120,120"))
    assert "look swapped" not in str(caught.value), "swapping would not help"
    swapped_by_name = ec_table(write_csv, "north,east", "-120,36")
    assert ds.read(swapped_by_name, latitude="east", longitude="north").samples["longitude"][0] == -120


def test_stated_columns_and_missing_groups(write_csv) -> None:
    spectra = ds.read(
        ec_table(write_csv, "pit,taken", "7,2024-05-06T10:00:00Z", ",last spring"), group="PIT", date="taken"
    )
    assert spectra.samples["group"].tolist() == ["7", "sample s1"]
    assert spectra.samples["date"].tolist()[0] == "2024-05-06"
    assert pd.isna(spectra.samples["date"][1])
    assert "1 samples without pit are a group each" in spectra.provenance
    with pytest.raises(UsageError, match=r"no column 'pitt' .group=.. Did you mean 'pit'"):
        ds.read(ec_table(write_csv, "pit,taken", "7,"), group="pitt")


def test_empty_spectra(write_csv) -> None:
    lines = ("id,450nm,550nm,650nm", "a,.1,.2,.3", "b,,,", "c,NA,nan,")
    with pytest.raises(
        SpectraError, match=r"2 of 3 spectra have no value in any band \(id b, c\).*drop_empty=True"
    ):
        ds.read(write_csv(*lines))
    spectra = ds.read(write_csv(*lines, "d,.4,.5,.6"), drop_empty=True)
    assert spectra.samples["id"].tolist() == ["a", "d"]
    np.testing.assert_allclose(spectra.values, [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], rtol=1e-6)
    assert "2 samples without a spectrum dropped (id b, c)" in spectra.provenance
    with pytest.raises(SpectraError, match="1 of 1 spectra have no value"):
        ds.read(write_csv(lines[0], lines[2]), drop_empty=True)


def test_percent_and_scaled_integers(write_csv) -> None:
    percent = write_csv("450nm,550nm,650nm", "12,22,32")
    with pytest.raises(SpectraError, match=r"median of 22: it looks like percent.*scale=0.01"):
        ds.read(percent)
    np.testing.assert_allclose(ds.read(percent, scale=0.01).values, [[0.12, 0.22, 0.32]], rtol=1e-6)
    with pytest.raises(SpectraError, match=r"scaled integers.*scale=0.0001"):
        ds.read(write_csv("450nm,550nm,650nm", "1200,2200,3200"))
    assert ds.read(percent, quantity="absorbance").quantity == "absorbance"
    with pytest.raises(UsageError, match="unknown quantity 'transmittance'"):
        ds.read(percent, quantity="transmittance")
    with pytest.raises(SpectraError, match="the names say reflectance"):
        ds.read(write_csv("scan_nir.1400_ref,scan_nir.1402_ref", ".1,.2"), quantity="absorbance")


def test_headers_that_say_percent_are_converted_and_reported(write_csv) -> None:
    found = ds.read(write_csv("450nm (%),550nm (%),650nm (%)", "12,22,32"))
    np.testing.assert_allclose(found.values, [[0.12, 0.22, 0.32]], rtol=1e-6)
    assert "headers say percent (450nm (%)): values multiplied by 0.01" in found.provenance
    assert ds.read(write_csv("abs_450,abs_550,abs_650", "1,2,3"), unit="nm").quantity == "absorbance"


def test_what_plain_values_look_like_is_said(write_csv) -> None:
    header = "450nm,1000nm,2000nm"
    assert "look like reflectance" in " | ".join(ds.read(write_csv(header, ".1,.2,.3")).provenance)
    falling = " | ".join(ds.read(write_csv(header, ".9,.6,.4")).provenance)
    assert "look like absorbance, not reflectance: say quantity=" in falling
    with pytest.raises(
        SpectraError, match=r"taken as reflectance, but a median of 1.5 looks like absorbance"
    ):
        ds.read(write_csv(header, "2,1.5,1"))
    assert ds.read(write_csv(header, "2,1.5,1"), quantity="reflectance").quantity == "reflectance"
    with pytest.raises(SpectraError, match=r"taken as absorbance, but a median of 40 looks like percent"):
        ds.read(write_csv("1000cm-1,1002cm-1,1004cm-1", "30,40,50"))
    stated = ds.read(write_csv(header, ".9,.6,.4"), quantity="absorbance")
    assert not [note for note in stated.provenance if "look like" in note]


def test_a_table_of_samples_joins_a_table_of_spectra(write_csv) -> None:
    spectra = write_csv("id,450nm,550nm,650nm", "a,.1,.2,.3", "b,.1,.2,.3")
    samples = write_csv("nr,site,EC(uS/cm)", "b,s1,500", "c,s1,900", name="samples.csv")
    found = ds.read(spectra, metadata=samples, id="nr", group="site", ec="ec1:5")
    assert found.samples["group"].tolist()[1] == "s1"
    np.testing.assert_allclose(found.samples["ec_ds_m"], [np.nan, 0.5])
    assert "1 samples have no row there (id a)" in found.provenance


@pytest.mark.parametrize(
    ("lines", "encoding", "error", "message"),
    [
        (("id,450nm,550nm,650nm,Bodenart", "a,.1,.2,.3,größer"), "latin-1", ProductError, "not UTF-8.*iconv"),
        (("id,größe,450nm,550nm,650nm", "a,1,.1,.2,.3"), "latin-1", ProductError, "not UTF-8"),
        (("id,450nm,550nm,650nm", "a,.1,.2,.3"), "utf-16", ProductError, "not UTF-8"),
        (("Dear reader", "this is a letter"), "utf-8", ProductError, "no table: its first line has no comma"),
        (("Dear reader, this", "is a letter"), "utf-8", SpectraError, "no column holds spectra"),
        (
            ("id,450nm,550nm,650nm", "a,.1,.2"),
            "utf-8",
            ProductError,
            "the header has 4 columns, but line 2 has 3",
        ),
        (("id,450nm,550nm,650nm", "a,.1,x,.3"), "utf-8", SpectraError, "holds 'x', not a number"),
        (("id,450nm,550nm,650nm",), "utf-8", SpectraError, "a header but no rows"),
        (
            ("id,clay,sand", "a,1,2"),
            "utf-8",
            SpectraError,
            "no column holds spectra .columns: id, clay, sand",
        ),
        (("id,id,450nm,550nm,650nm", "a,b,.1,.2,.3"), "utf-8", ProductError, "column id stands there twice"),
    ],
)
def test_files_that_are_no_table(write_csv, lines, encoding: str, error, message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        ds.read(write_csv(*lines, encoding=encoding))
    assert "table.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_empty_and_damaged_files(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    with pytest.raises(ProductError, match=r"empty.csv: the file is empty \(0 bytes\)"):
        ds.read(tmp_path / "empty.csv")
    table = pd.DataFrame(
        np.random.default_rng(0).random((50, 40)), columns=[f"{400 + i}nm" for i in range(40)]
    )
    table.to_parquet(tmp_path / "whole.parquet")
    cut = tmp_path / "cut.parquet"
    cut.write_bytes((tmp_path / "whole.parquet").read_bytes()[:5000])
    packed = tmp_path / "cut.csv.gz"
    packed.write_bytes(gzip.compress(table.to_csv(index=False).encode())[:3000])
    for path in (cut, packed):
        with pytest.raises(ProductError, match="damaged or cut off"):
            ds.read(path)


def test_text_in_a_spectral_parquet_column(tmp_path: Path) -> None:
    pd.DataFrame({"450nm": [0.1], "550nm": ["x"], "650nm": [0.3]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(SpectraError, match=r"spectral column 550nm holds .*string, not numbers"):
        ds.read(tmp_path / "t.parquet")


def test_row_groups_are_read_in_order(tmp_path: Path) -> None:
    values = np.arange(30_000, dtype=np.float64).reshape(10_000, 3) / 30_000
    table = pd.DataFrame(values, columns=["450nm", "550nm", "650nm"]).assign(id=np.arange(10_000))
    table.to_parquet(tmp_path / "t.parquet", row_group_size=1500)
    spectra = ds.read(tmp_path / "t.parquet")
    np.testing.assert_array_equal(spectra.values, values.astype(np.float32))
    assert spectra.samples["id"].iloc[-1] == "9999"


def test_every_error_is_ours(write_csv) -> None:
    for text in ("a\tb\tc", '"unclosed,1,2', ",,,", "1,2,3\n4,5", "\x00\x01"):
        with pytest.raises(DeepSaltError):
            ds.read(write_csv(text))


@pytest.mark.real_data
def test_the_real_library(shared_data: Path) -> None:
    path = shared_data / "lab" / "icraf_isric_visnir.parquet"
    open_choice = ds.read(path)
    assert open_choice.data.shape == (3358, 216)
    assert "ec_ds_m" not in open_choice.samples
    assert "ec_1to2.5_ds.m (EC1:2.5), ec_1to5_ds.m (EC1:5), ece_ds.m (ECe)" in open_choice.provenance[-1]
    chosen = ds.read(path, ec="ec1:2.5")
    ec = chosen.samples["ec_ds_m"]
    assert (ec.notna().sum(), round(float(ec.median()), 3), int((ec > 2).sum())) == (2795, 0.08, 51)
    assert set(chosen.samples["ec_method"].dropna()) == {"EC1:2.5"}
    assert chosen.samples["group"].nunique() == 574 + 6
    assert {
        name: int(ds.read(path, ec=name).samples["ec_ds_m"].notna().sum()) for name in ("ec1:5", "ece")
    } == {
        "ec1:5": 40,
        "ece": 33,
    }


@pytest.mark.real_data
def test_real_endmembers_say_what_is_missing_step_by_step(shared_data: Path) -> None:
    """A plain table of EMIT's team: AVIRIS bands that could be wavenumbers, values in ten thousandths."""
    path = shared_data / "emit" / "basic_endmember_library.csv"
    with pytest.raises(AxisError, match=r"may be nm or cm-1. Say unit='nm'"):
        ds.read(path)
    with pytest.raises(SpectraError, match=r"it looks like scaled integers.*scale=0.0001"):
        ds.read(path, unit="nm")
    found = ds.read(path, unit="nm", scale=0.0001)
    assert len(found.axis) == 224
    assert 0.05 < float(np.median(found.values)) < 0.6
