"""Spans of time as people write them: a year, a month, a day, a moment, and from one to another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deepsalt.errors import UsageError

_OPEN = ("", "..")
_LEAST = timedelta(microseconds=1)


@dataclass(frozen=True)
class Period:
    """A span of time, UTC, both ends in it; None where it is open.

    first, last   its first and last moment
    """

    first: datetime | None = None
    last: datetime | None = None

    @classmethod
    def of(cls, text: str) -> Period:
        """From `2024`, `2024-05`, `2024-05-01`, a moment (ISO 8601), or two of them as `FROM/TO`.

        `TO` is in it to its end, and either may be `..`, for open. Raises UsageError for anything else.

        >>> Period.of("2024-05/2024-09").last.isoformat()
        '2024-09-30T23:59:59.999999+00:00'
        """
        start, slash, end = (part.strip() for part in text.partition("/"))
        first = None if slash and start in _OPEN else _span(start, text)[0]
        last = (None if end in _OPEN else _span(end, text)[1]) if slash else _span(start, text)[1]
        if first is not None and last is not None and first > last:
            raise UsageError(f"{text!r} ends before it begins", where="dates", fix="Write FROM/TO.")
        return cls(first, last)

    def meets(self, first: datetime, last: datetime | None = None) -> bool:
        """Whether a moment, or the span from `first` to `last`, lies in it or reaches into it."""
        begins_in_time = self.last is None or first <= self.last
        ends_in_time = self.first is None or (last or first) >= self.first
        return begins_in_time and ends_in_time

    def as_interval(self) -> str:
        """As a STAC API asks for it."""
        return "/".join(
            ".." if end is None else end.isoformat().replace("+00:00", "Z") for end in (self.first, self.last)
        )


def _span(text: str, whole: str) -> tuple[datetime, datetime]:
    """First and last moment of what is written as one date."""
    for form in ("%Y-%m-%d", "%Y-%m", "%Y"):
        try:
            first = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return first, _after(first, form) - _LEAST
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{whole!r} is no date and no span of dates",
            where="dates",
            fix="Write 2024, 2024-05, 2024-05-01, or two of them as 2024-05-01/2024-09-30.",
        ) from error
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment, moment


def _after(first: datetime, form: str) -> datetime:
    """Where the next day, month or year begins."""
    if form == "%Y-%m-%d":
        return first + timedelta(days=1)
    months = 1 if form == "%Y-%m" else 12
    month = first.month - 1 + months
    return first.replace(year=first.year + month // 12, month=month % 12 + 1)
