"""The answers for a person and for a program."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.figures import Figure, Target
from tests.benchmarks.places import SHARED_BUFFERS, memory
from tests.benchmarks.sizes import Size

Answers = Mapping[str, Sequence[Figure]]

RATIOS = (
    "auto_vs_best_peer",
    "auto_vs_textbook_celery",
    "auto_vs_bulk_insert",
    "single_vs_noop",
    "publish_vs_delay",
    "book_growth",
    "sms_vs_sdk",
    "tape_first_vs_insert",
    "tape_unchanged_vs_copy",
    "tape_changed_vs_copy",
)
STATEMENTS = ("per_envelope", "per_text")


def print_table(answers: Answers, size: Size) -> None:
    """Figures with a target first: those are what the benchmark is for. Seconds only illustrate."""
    title = (
        f"Arrears, size {size.name}, {os.cpu_count()} cores, {memory() / 1024**3:.0f} GiB of "
        f"memory, shared_buffers {SHARED_BUFFERS}"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("figure")
    for column in ("median", "lowest", "highest", "runs"):
        table.add_column(column, justify="right")
    table.add_column("target")
    # A figure of two questions is one row.
    by_name = {
        (measure.name, measure.unit): measure for answer in answers.values() for measure in answer
    }
    figures = list(by_name.values())
    for figure in sorted(figures, key=lambda figure: figure.target is None):
        table.add_row(*_cells(figure), end_section=_is_last_target(figure, figures))
    Console(width=None if Console().is_terminal else 140).print(table)


def write_json(answers: Answers, size: Size, path: Path) -> None:
    """Everything that was measured, with the conditions it was measured under."""
    path.parent.mkdir(exist_ok=True)
    known = {
        figure.key: figure.median for answer in answers.values() for figure in answer if figure.key
    }
    # What was not asked, or found no answer, is there as null.
    report = {
        "size": size.name,
        "measured_on": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "memory_bytes": memory(),
        "shared_buffers": SHARED_BUFFERS,
        "python": platform.python_version(),
        "ratios": {key: known.get(key) for key in RATIOS},
        "payment_cancel_p99_ms": known.get("payment_cancel_p99_ms"),
        "memory_growth_mb": known.get("memory_growth_mb"),
        "assign_seconds": known.get("assign_seconds"),
        "assign_gap_percent": known.get("assign_gap_percent"),
        "next_p99_ms": known.get("next_p99_ms"),
        "next_burst_seconds": known.get("next_burst_seconds"),
        "statements": {key: known.get(key) for key in STATEMENTS},
        "raw": {q: [figure.as_json() for figure in answer] for q, answer in answers.items()},
    }
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _is_last_target(figure: Figure, figures: Sequence[Figure]) -> bool:
    return figure is next((candidate for candidate in reversed(figures) if candidate.target), None)


def _cells(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        f"{_number(figure.median)} {figure.unit}",
        _number(min(figure.runs)),
        _number(max(figure.runs)),
        str(len(figure.runs)),
        _verdict(figure.target, figure.reached),
    )


def _verdict(target: Target | None, reached: bool | None) -> str:
    if target is None:
        return ""
    wanted = f"{'≥' if target.at_least else '≤'} {target.bound:g}"
    return f"{wanted} [green]reached" if reached else f"{wanted} [red]not reached"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"
