"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
AllowLeak = Annotated[
    bool, typer.Option("--allow-leak", help="Go on where held-out data were learned from, and say so in red.")
]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same result.")]
MaxNdvi = Annotated[float, typer.Option(min=0, max=1, help="Greener pixels are masked.")]
DryVegetation = Annotated[
    float | None, typer.Option(min=-0.5, max=0.5, help="Mask dry plants: largest cellulose index, often 0.")
]
Water = Annotated[
    float | None, typer.Option(min=-1, max=1, help="Mask water: largest MNDWI of dark pixels, often 0.")
]
Nbr2 = Annotated[float | None, typer.Option(min=-1, max=1, help="Mask what is not bare: largest NBR2.")]
MaxReflectance = Annotated[
    float | None, typer.Option(min=0.5, max=10, help="Mask pixels with a brighter band.")
]
Guard = Annotated[
    bool, typer.Option(help="Keep salt and gypsum crusts from the rules of dry plants and NBR2.")
]
Area = Annotated[
    str | None, typer.Option(help="west,south,east,north in degrees, or a vector file: scenes that meet it.")
]
Dates = Annotated[
    str | None, typer.Option(help="2024, 2024-05, 2024-05-01, or two as FROM/TO: scenes taken then.")
]
MaxCloud = Annotated[
    float | None, typer.Option(min=0, max=100, help="Largest cloud cover of an item of STAC, percent.")
]
Collections = Annotated[
    list[str] | None, typer.Option("--collection", help="Collection of STAC to take from (repeat).")
]
Products = Annotated[
    Path | None, typer.Option(help="Folder of downloaded products, for items of STAC that lie on the web.")
]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many scenes.")]
