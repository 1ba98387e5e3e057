"""Draws what was measured: the same day by others, growth, memory, and payments.

    python -m tests.benchmarks.plotting [build/bench.json build/speed.svg]

`make bench` draws build/speed.svg by itself. The picture in docs/ is that of the run that
docs/performance.md tells of.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.ticker import FuncFormatter, NullLocator

from domain.errors import ArrearsError
from tests.benchmarks.figures import Figure, figure_from_json
from tests.benchmarks.payments import EACH, SOON
from tests.benchmarks.sizes import SIZES, Size
from tests.benchmarks.whole_day import BY_BOOK, BY_DUE, MEMORY

ARREARS, OTHERS, WORDS = "#1b6e5a", "#9aa5b1", "#52606d"
# The same file for the same figures, and text that stays text.
STYLE: Any = {
    "svg.hashsalt": "arrears",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
}

THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.0f}")


@dataclass(frozen=True, slots=True)
class Report:
    """What `make bench` wrote down, as far as it is drawn."""

    size: Size
    cores: int
    answers: Mapping[str, Sequence[Figure]]
    """By question."""


def read_report(path: Path) -> Report:
    """The report that was written to `path`.

    Raises:
        ArrearsError: there is none, or it is not one of the benchmark's.
    """
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ArrearsError(f"{path} cannot be read ({error.strerror}): make bench first.") from None
    except ValueError:
        raise ArrearsError(f"{path} is not JSON: make bench again.") from None
    try:
        answers = {
            question: [figure_from_json(figure) for figure in figures]
            for question, figures in given["raw"].items()
        }
        return Report(SIZES[given["size"]], given["cores"], answers)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ArrearsError(f"{path} is not what the benchmark writes: make bench again.") from None


def draw(report: Report, to: Path) -> None:
    """Draw what is in a report of the benchmark. What was not asked stays empty."""
    with mpl.rc_context(STYLE):
        picture = Picture(figsize=(10.2, 6.4), layout="constrained")
        ((peers, book), (due, payments)) = picture.subplots(2, 2)
        _draw_peers(peers, report.answers.get("peers", ()))
        days = report.answers.get("whole_day", ())
        _draw_book(book, days, report.size)
        _draw_due(due, days, report.size)
        _draw_payments(payments, report.answers.get("payments", ()))
        picture.suptitle(
            f"{report.cores} cores, PostgreSQL, broker and all on one machine; "
            f"size {report.size.name}",
            fontsize=9,
            color=WORDS,
        )
        picture.savefig(to, format="svg", metadata={"Date": None})


def _draw_peers(axes: Axes, figures: Sequence[Figure]) -> None:
    by_name = {figure.name: median(figure.runs) for figure in figures if figure.unit == "loans/s"}
    if not by_name:
        axes.set_title("The same day by others: not asked")
        return
    names = sorted(by_name, key=lambda name: by_name[name])
    colours = [ARREARS if name.startswith("arrears") else OTHERS for name in names]
    bars = axes.barh(names, [by_name[name] for name in names], color=colours)
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.set_title("The same day by others: loans decided a second")
    axes.xaxis.set_major_formatter(THOUSANDS)


def _draw_book(axes: Axes, figures: Sequence[Figure], size: Size) -> None:
    points = _curves(figures).get(BY_BOOK, [])
    axes.set_title(f"A day by size of the book, {size.due:,} due: seconds")
    axes.set_xlabel("loans on the book")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(THOUSANDS)
    if points:
        _draw_medians(axes, points)
        axes.set_ylim(bottom=0)
        axes.margins(x=0.1)


def _draw_due(axes: Axes, figures: Sequence[Figure], size: Size) -> None:
    curves = _curves(figures)
    axes.set_title(f"A day by what is due, of {size.books[-2]:,} loans")
    axes.set_xlabel("loans due")
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(THOUSANDS)
    axes.set_ylabel("seconds; MB of a worker's processes")
    for name, points in curves.items():
        if name.startswith(MEMORY):
            places, sizes = zip(*[(point.at, median(point.runs)) for point in points], strict=True)
            axes.plot(places, sizes, linestyle="--", marker=".", color=OTHERS)
    if of_memory := [points for name, points in curves.items() if name.startswith(MEMORY)]:
        most = max((points[0] for points in of_memory), key=lambda point: point.median)
        _say(axes, "MB", most, (0, 6))
    if of_days := curves.get(BY_DUE):
        _draw_medians(axes, of_days)
        _say(axes, "seconds", of_days[0], (10, -2))


def _say(axes: Axes, words: str, point: Figure, at: tuple[float, float]) -> None:
    """What a line is, so far from its beginning, in points."""
    axes.annotate(
        words, (point.at, median(point.runs)), at, textcoords="offset points", color=WORDS
    )


def _draw_payments(axes: Axes, figures: Sequence[Figure]) -> None:
    axes.set_title("From a payment to its contacts cancelled")
    axes.set_xlabel("ms, at 200 a second while a day is decided")
    axes.set_ylabel("share of payments")
    for figure in figures:
        if figure.curve == EACH:
            axes.ecdf(figure.runs, color=ARREARS)
            axes.axhline(0.99, color=OTHERS, linewidth=0.8)
            axes.axvline(SOON.bound, color=OTHERS, linewidth=0.8)
            axes.set_xlim(left=0, right=max(120, *figure.runs))
            axes.annotate("99 %", (0, 0.99), (2, -10), textcoords="offset points", color=WORDS)
            axes.annotate(
                "target", (SOON.bound, 0), (3, 3), textcoords="offset points", color=WORDS
            )


def _draw_medians(axes: Axes, points: Sequence[Figure]) -> None:
    """The medians as a line, and from the lowest to the highest of each."""
    places = [point.at for point in points if point.at is not None]
    middle = [median(point.runs) for point in points]
    spread = [
        [m - min(point.runs) for m, point in zip(middle, points, strict=True)],
        [max(point.runs) - m for m, point in zip(middle, points, strict=True)],
    ]
    axes.set_xticks(places)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.errorbar(places, middle, yerr=spread, marker="o", color=ARREARS, capsize=3)


def _curves(figures: Sequence[Figure]) -> dict[str, list[Figure]]:
    curves: dict[str, list[Figure]] = defaultdict(list)
    for figure in figures:
        if figure.curve and figure.at is not None:
            curves[figure.curve].append(figure)
    return curves


def main(words: Sequence[str] | None = None) -> None:
    """Draw a report as a picture."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.plotting",
        description="Draw again what the benchmark has measured.",
    )
    for name, default in (("report", "build/bench.json"), ("picture", "build/speed.svg")):
        parser.add_argument(name, nargs="?", type=Path, default=Path(default), help=default)
    given = parser.parse_args(words)
    draw(read_report(given.report), given.picture)


if __name__ == "__main__":
    try:
        main()
    except ArrearsError as error:
        sys.exit(str(error))
