"""Options that several commands have, and groups of options that become one thing."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, Signature, signature
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from deepsalt.preprocessing.masks import SurfaceRules

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
AllowLeak = Annotated[
    bool, typer.Option("--allow-leak", help="Go on where held-out data were learned from, and say so in red.")
]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same result.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes; default one a core.")]
Command = Callable[..., None]


def takes(**groups: Callable[..., Any]) -> Callable[[Command], Command]:
    """Let a command take groups of options: each of these parameters is what its group makes of them.

    groups  name of the parameter -> a function whose own parameters are the options; they stand where the
            parameter stood
    """

    def decorated(command: Command) -> Command:
        options: list[Parameter] = []
        for option in _parameters(command, without=frozenset(groups)):
            options += _parameters(groups[option.name]) if option.name in groups else [option]

        @wraps(command)
        def grouped(**given: Any) -> None:
            for name, group in groups.items():
                own = {option.name: given.pop(option.name) for option in _parameters(group)}
                given[name] = group(**own)
            command(**given)

        named = [option.replace(kind=Parameter.KEYWORD_ONLY) for option in options]
        grouped.__signature__ = Signature(named)  # type: ignore[attr-defined]
        grouped.__annotations__ = {option.name: option.annotation for option in named}
        return grouped

    return decorated


def _parameters(function: Callable[..., Any], without: frozenset[str] = frozenset()) -> list[Parameter]:
    """With the types that their annotations name, but for those that are left as they are."""
    written = {
        name: said for name, said in function.__annotations__.items() if name not in {"return", *without}
    }
    types = get_type_hints(
        SimpleNamespace(__annotations__=written), globalns=function.__globals__, include_extras=True
    )
    return [
        one.replace(annotation=types.get(name, one.annotation))
        for name, one in signature(function).parameters.items()
    ]


def surface_rules(
    max_ndvi: Annotated[float, typer.Option(min=0, max=1, help="Greener pixels are masked.")] = 0.35,
    dry_vegetation: Annotated[
        float | None,
        typer.Option(min=-0.5, max=0.5, help="Mask dry plants: largest cellulose index, often 0."),
    ] = None,
    water: Annotated[
        float | None, typer.Option(min=-1, max=1, help="Mask water: largest MNDWI of dark pixels, often 0.")
    ] = None,
    nbr2: Annotated[
        float | None, typer.Option(min=-1, max=1, help="Mask what is not bare: largest NBR2.")
    ] = None,
    max_reflectance: Annotated[
        float | None, typer.Option(min=0.5, max=10, help="Mask pixels with a brighter band.")
    ] = None,
    salt_crust_guard: Annotated[
        bool, typer.Option(help="Keep salt and gypsum crusts from the rules of dry plants and NBR2.")
    ] = True,
) -> SurfaceRules:
    """What a pixel must not show to be used as soil."""
    from deepsalt.preprocessing.masks import SurfaceRules

    return SurfaceRules(max_ndvi, dry_vegetation, water, nbr2, max_reflectance, salt_crust_guard)
