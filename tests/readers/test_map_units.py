"""Tables of a survey: what is left out is told, what cannot be is refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from deepsalt.errors import LabelError, UsageError
from deepsalt.readers.map_units import MapUnitTables, read_map_units

PARTS = ("mukey,cokey,comppct_r,compkind", "1,a,60,Series", "1,b,40,miscellaneous AREA")
LAYERS = ("cokey,chkey,hzdept_r,hzdepb_r,ec_l,ec_r,ec_h", "a,x,0,10,1,2,3", "b,y,0,10,0,1,2")


@pytest.fixture
def read(write_csv):
    def tables(parts=PARTS, layers=LAYERS) -> MapUnitTables:
        return read_map_units(
            write_csv(*parts, name="component.csv"), write_csv(*layers, name="chorizon.csv")
        )

    return tables


def test_the_tables_of_ssurgo(read) -> None:
    found = read()
    assert found.components[["mukey", "cokey", "percent", "miscellaneous"]].to_numpy().tolist() == [
        ["1", "a", 60.0, False],
        ["1", "b", 40.0, True],
    ]
    assert found.horizons.to_numpy().tolist() == [["a", 0, 10, 1, 2, 3], ["b", 0, 10, 0, 1, 2]]
    assert found.notes == ()


def test_keys_join_whatever_type_a_table_stores_them_in(tmp_path: Path) -> None:
    parts = pd.DataFrame({"MUKEY": [1.0], "COKEY": [77], "COMPPCT_R": [100]})
    layers = pd.DataFrame({"cokey": ["77"], "hzdept_r": [0], "hzdepb_r": [5], "ec_r": [3.5]})
    parts.to_parquet(tmp_path / "c.parquet")
    layers.to_excel(tmp_path / "h.xlsx", index=False)
    found = read_map_units(tmp_path / "c.parquet", tmp_path / "h.xlsx")
    assert found.components["mukey"].tolist() == ["1"]
    assert found.horizons["ece"].tolist() == [3.5]
    assert "no column compkind: every component is taken for soil" in found.notes


def test_what_is_missing_is_left_out_and_told(read) -> None:
    parts = (*PARTS, "1,c,,Series")
    layers = (*LAYERS, "a,z,,20,1,1,1", "q,w,0,5,1,1,1", "a,u,10,20,,4,", "a,v,20,30,5,4,6", "a,t,30,40,1,,3")
    found = read(parts, layers)
    assert found.components["cokey"].tolist() == ["a", "b"]
    rows = found.horizons[found.horizons["cokey"] == "a"][["ece_low", "ece", "ece_high"]].to_numpy()
    assert rows[:3].tolist() == [[1, 2, 3], [4, 4, 4], [4, 4, 4]]
    assert pd.isna(rows[3]).all(), "without ec_r the other two say nothing"
    assert set(found.notes) == {
        "1 components without comppct_r left out: they have no weight",
        "1 horizons without a depth left out",
        "1 horizons of components that are not in the table left out",
        "1 horizons without ec_l or ec_h: ec_r stands for what is missing",
        "1 horizons whose ec_r is not between ec_l and ec_h: ec_r stands for both",
    }


@pytest.mark.parametrize(
    ("parts", "layers", "message"),
    [
        (("mukey,cokey", "1,a"), LAYERS, r"component.csv: no column comppct_r .*SSURGO"),
        (PARTS, ("cokey,hzdept_r,hzdepb_r,ec15_r", "a,0,5,1"), r"chorizon.csv: no column ec_r"),
        (PARTS, LAYERS[:1], "a header but no rows"),
        ((*PARTS, "2,a,50,Series"), LAYERS, "a cokey stands there again in row 3"),
        (PARTS, (*LAYERS, "a,x,10,20,1,1,1"), "a chkey stands there again in row 3"),
        ((*PARTS, "2,c,101,Series"), LAYERS, "comppct_r below 0 or above 100 in row 3"),
        ((*PARTS, ",c,10,Series"), LAYERS, "no value in row 3 of column mukey"),
        (PARTS, (*LAYERS, "a,z,20,10,1,1,1"), "depths that cannot be in row 3"),
        (PARTS, (*LAYERS, "a,z,10,20,1,-1,1"), "ec_r below 0 or beyond any soil in row 3"),
        (PARTS, (*LAYERS, "a,z,10,20,1,1,1200"), "ec_h below 0 or beyond any soil in row 3"),
        (PARTS, (*LAYERS, "a,z,10,20,1,much,1"), "'much' in row 3 of column ec_r is not a number"),
        (PARTS, ("cokey,hzdept_r,hzdepb_r,ec_r", "q,0,5,1"), "no horizon belongs to any component"),
    ],
)
def test_tables_that_cannot_be(read, parts, layers, message: str) -> None:
    with pytest.raises(LabelError, match=message) as caught:
        read(parts, layers)
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there(write_csv, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no such file. Check the path of the survey's table"):
        read_map_units(write_csv(*PARTS), tmp_path / "none.csv")
