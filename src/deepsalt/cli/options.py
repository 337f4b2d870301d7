"""Options that several commands have."""

from __future__ import annotations

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
