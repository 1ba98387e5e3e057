"""Asks every question and prints what came of it.

    make bench [SIZE=small]
    python -m tests.benchmarks [QUESTION ...]

The servers are the run's own and are gone afterwards. Exit code 0 means that everything that was
measured did its work right, whatever the seconds were and whether or not targets were reached.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from domain.errors import ArrearsError
from tests.benchmarks.figures import Figure, figure_from_json
from tests.benchmarks.measuring import console
from tests.benchmarks.places import Places, open_places
from tests.benchmarks.plotting import draw
from tests.benchmarks.reporting import print_table, write_json
from tests.benchmarks.sizes import ON_DEMAND, QUESTIONS, Size, size_named

REPORT = Path("build/bench.json")
PICTURE = Path("build/speed.svg")
GIVE_UP_AFTER = 3_600
"""Seconds for one question. The longest needs a fraction of it."""


def main(questions: list[str]) -> int:
    """Ask these questions, or all of them if none is named; the exit code."""
    size = size_named(os.environ.get("SIZE", "full"))
    if unknown := set(questions) - {*QUESTIONS, *ON_DEMAND}:
        known = ", ".join((*QUESTIONS, *ON_DEMAND))
        raise ArrearsError(f"There is no question {', '.join(unknown)}. They are: {known}.")
    answers = {}
    with (
        tempfile.TemporaryDirectory(prefix="arrears-bench-") as directory,
        open_places(Path(directory)) as places,
    ):
        for question in questions or QUESTIONS:
            console.print(f"[bold]{question}[/bold], size {size.name}")
            started = time.monotonic()
            answers[question] = _ask(question, places, size, Path(directory))
            # Now, so that what is known stays known if a later question finds no answer.
            write_json(answers, size, REPORT)
            console.print(f"  answered after {time.monotonic() - started:.0f} s", style="dim")
    print_table(answers, size)
    draw(json.loads(REPORT.read_text(encoding="utf-8")), PICTURE)
    console.print(f"  all of it is in {REPORT}, and drawn in {PICTURE}", style="dim")
    return 0


def _ask(question: str, places: Places, size: Size, directory: Path) -> list[Figure]:
    answer = directory / f"{question}.json"
    subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.asking", question, str(answer)],
        env={**places.environment, "SIZE": size.name},
        check=True,
        timeout=GIVE_UP_AFTER,
    )
    return [figure_from_json(figure) for figure in json.loads(answer.read_text())]


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ArrearsError as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError:
        sys.exit("A question found no answer; what went wrong stands above.")
