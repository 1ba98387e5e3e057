"""Draws what was measured: the same day by others, growth, memory, and payments.

    python -m tests.benchmarks.plotting [build/bench.json build/speed.svg]

`make bench` draws build/speed.svg by itself. The picture in docs/ is that of the run that
docs/performance.md tells of.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.ticker import FuncFormatter, NullLocator

from tests.benchmarks.figures import Figure, figure_from_json

HOUSE, OTHERS = "#1b6e5a", "#9aa5b1"
# The same file for the same figures, and text that stays text.
STYLE = {
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


def draw(report: Mapping[str, object], to: Path) -> None:
    """Draw what is in a report of the benchmark. What was not asked stays empty."""
    raw: Mapping[str, Sequence[Mapping[str, object]]] = report["raw"]  # type: ignore[assignment]
    answers = {
        question: [figure_from_json(one) for one in figures] for question, figures in raw.items()
    }
    with mpl.rc_context(STYLE):
        picture = Picture(figsize=(10.2, 6.4), layout="constrained")
        ((peers, book), (due, payments)) = picture.subplots(2, 2)
        _draw_peers(peers, answers.get("peers", ()))
        days = answers.get("whole_day", ())
        _draw_book(book, days)
        _draw_due(due, days)
        _draw_payments(payments, answers.get("payments", ()))
        picture.suptitle(
            f"{report['cores']} cores, PostgreSQL, broker and all on one machine; "
            f"size {report['size']}",
            fontsize=9,
            color="#52606d",
        )
        picture.savefig(to, format="svg", metadata={"Date": None})


def _draw_peers(axes: Axes, figures: Sequence[Figure]) -> None:
    by_name = {one.name: median(one.runs) for one in figures if one.unit == "loans/s"}
    if not by_name:
        axes.set_title("The same day by others: not asked")
        return
    names = sorted(by_name, key=lambda name: by_name[name])
    colours = [HOUSE if name.startswith("arrears") else OTHERS for name in names]
    bars = axes.barh(names, [by_name[name] for name in names], color=colours)
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.set_title("The same day by others: loans decided a second (log)")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(THOUSANDS)


def _draw_book(axes: Axes, figures: Sequence[Figure]) -> None:
    points = _curves(figures).get("a day, by loans on the book", [])
    axes.set_title("A day by the size of the book: seconds")
    axes.set_xlabel("loans on the book, as many due")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(THOUSANDS)
    if points:
        _draw_medians(axes, points)
        axes.set_ylim(bottom=0)


def _draw_due(axes: Axes, figures: Sequence[Figure]) -> None:
    curves = _curves(figures)
    axes.set_title("A day by what is due: seconds, and memory in MB")
    axes.set_xlabel("loans due")
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(THOUSANDS)
    axes.set_ylabel("s (line), MB a process (dashes)")
    for name, points in curves.items():
        if name.startswith("peak memory"):
            places, sizes = zip(*[(one.at, median(one.runs)) for one in points], strict=True)
            axes.plot(places, sizes, linestyle="--", marker=".", color=OTHERS)
    if points := curves.get("a day, by loans due"):
        _draw_medians(axes, points)


def _draw_payments(axes: Axes, figures: Sequence[Figure]) -> None:
    axes.set_title("From a payment to its contacts called off")
    axes.set_xlabel("ms, at 200 a second while a day is decided")
    axes.set_ylabel("share of payments")
    for one in figures:
        if one.curve == "payment to called off":
            axes.ecdf(one.runs, color=HOUSE)
            axes.axhline(0.99, color=OTHERS, linewidth=0.8)
            axes.axvline(100, color=OTHERS, linewidth=0.8)
            axes.set_xlim(left=0, right=max(120, *one.runs))


def _draw_medians(axes: Axes, points: Sequence[Figure]) -> None:
    """The medians as a line, and from the lowest to the highest of each."""
    places = [one.at for one in points]
    middle = [median(one.runs) for one in points]
    spread = [
        [m - min(one.runs) for m, one in zip(middle, points, strict=True)],
        [max(one.runs) - m for m, one in zip(middle, points, strict=True)],
    ]
    axes.set_xticks(places)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.errorbar(places, middle, yerr=spread, marker="o", color=HOUSE, capsize=3)


def _curves(figures: Sequence[Figure]) -> dict[str, list[Figure]]:
    curves: dict[str, list[Figure]] = defaultdict(list)
    for one in figures:
        if one.curve and one.at is not None:
            curves[one.curve].append(one)
    return curves


if __name__ == "__main__":
    given = [Path(word) for word in sys.argv[1:]]
    source, target, *_ = [
        *given,
        *(Path("build/bench.json"), Path("build/speed.svg"))[len(given) :],
    ]
    draw(json.loads(source.read_text(encoding="utf-8")), target)
