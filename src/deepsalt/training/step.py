"""One step of training: loss, gradient, clip, optimiser. On a GPU it is recorded once, then replayed.

Networks this small leave a GPU waiting for the processor, which hands it hundreds of short kernels a step. A
recorded step is handed over as one (CUDA graphs; NVIDIA, CUDA C++ programming guide).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

Terms = dict[str, Tensor]

_BEFORE_RECORDING = 3  # steps in which libraries and the optimiser set up what a recording must find ready


class Pace(Protocol):
    @property
    def learning_rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...


class _Record(NamedTuple):
    graph: torch.cuda.CUDAGraph
    rows: tuple[Tensor, ...]
    terms: Terms


class Step:
    """Trains `module` in place, a step a call."""

    def __init__(
        self,
        module: nn.Module,
        kind: type[torch.optim.Adam],
        pace: Pace,
        clip: float,
        terms: Callable[..., Terms],
        generator: torch.Generator,
        *,
        steady: bool = True,
    ) -> None:
        """
        kind       optimiser: Adam, or AdamW
        clip       largest norm of the gradient
        terms      what is drawn or given for one step to the terms of the loss; "total" is minimised
        generator  that `terms` draws from
        steady     whether `terms` does the same for all rows of one shape, and asks for no value on the way:
                   only such a step can be recorded
        """
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        on_gpu = self.parameters[0].is_cuda
        self.optimiser = kind(
            self.parameters,
            lr=torch.tensor(pace.learning_rate) if on_gpu else pace.learning_rate,
            weight_decay=pace.weight_decay,
            fused=True,
            capturable=on_gpu,
        )
        self.clip, self.terms, self.generator = clip, terms, generator
        self.records: dict[tuple[int, ...], _Record] = {}
        self.stream = torch.cuda.Stream() if on_gpu and steady else None
        self.left = _BEFORE_RECORDING

    def __call__(self, rate: float, *rows: Tensor) -> Terms:
        """One step at this learning rate; the terms of its loss, which hold until the next step."""
        for group in self.optimiser.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        if self.stream is None:
            return self._taken(*rows)
        if self.left:
            self.left -= 1
            self.stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self.stream):
                terms = self._taken(*rows)
            torch.cuda.current_stream().wait_stream(self.stream)
            return terms
        shape = tuple(len(one) for one in rows)
        if shape not in self.records:
            self.records[shape] = self._recorded(rows)
        record = self.records[shape]
        for there, now in zip(record.rows, rows, strict=True):
            there.copy_(now)
        record.graph.replay()
        return record.terms

    def _taken(self, *rows: Tensor) -> Terms:
        self.optimiser.zero_grad(set_to_none=True)
        terms = self.terms(*rows)
        terms["total"].backward()
        nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimiser.step()
        return {name: value.detach() for name, value in terms.items()}

    def _recorded(self, rows: tuple[Tensor, ...]) -> _Record:
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.generator)
        own = tuple(one.clone() for one in rows)
        with torch.cuda.graph(graph, stream=self.stream):
            terms = self._taken(*own)
        return _Record(graph, own, terms)
