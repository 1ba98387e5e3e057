"""What a question is answered with: figures, some of which have a target."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


class WrongResultError(Exception):
    """What was measured did not do its work: its seconds mean nothing."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure ought to be."""

    bound: float
    at_least: bool
    """Whether more is better; otherwise the figure is to be at most `bound`."""

    def reached_by(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, as often as it was measured."""

    name: str
    unit: str
    runs: tuple[float, ...]
    target: Target | None = None
    key: str | None = None
    """What a program knows the figure by; None: it is found by its name only."""
    curve: str | None = None
    """What it is a point of, where it is drawn."""
    at: float | None = None
    """Where on its curve it lies."""

    @property
    def median(self) -> float:
        return median(self.runs)

    @property
    def reached(self) -> bool | None:
        """Whether the median reaches the target; None if there is no target."""
        return self.target.reached_by(self.median) if self.target else None

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "median": self.median,
            "lowest": min(self.runs),
            "highest": max(self.runs),
            "reached": self.reached,
        }


def figure_from_json(given: Mapping[str, Any]) -> Figure:
    """A figure as `as_json` wrote it."""
    target = Target(**given["target"]) if given["target"] else None
    return Figure(
        given["name"],
        given["unit"],
        tuple(given["runs"]),
        target,
        given["key"],
        given["curve"],
        given["at"],
    )


def rates(name: str, unit: str, count: int, seconds: Sequence[float]) -> Figure:
    """How many of `count` were done in each of those `seconds`."""
    return Figure(name, unit, tuple(count / second for second in seconds))


def ratios(
    name: str,
    over: Sequence[float],
    under: Sequence[float],
    target: Target | None = None,
    *,
    key: str | None = None,
) -> Figure:
    """Each run divided by the one of the same round, so that both felt the same machine."""
    runs = tuple(a / b for a, b in zip(over, under, strict=True))
    return Figure(name, "×", runs, target, key)


def expect(what: str, found: object, wanted: object) -> None:
    """Refuse a result that is not the right one.

    Raises:
        WrongResultError: it is not.
    """
    if found != wanted:
        raise WrongResultError(f"{what}: {found} instead of {wanted}.")
