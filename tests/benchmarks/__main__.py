"""Asks every question and prints what came of it.

    make bench [SIZE=small]
    python -m tests.benchmarks [QUESTION ...]

The servers are the run's own and are gone afterwards, however it ends. Exit code 0 means that
everything that was measured did its work right, whatever the seconds were and whether or not
targets were reached.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from domain.errors import ArrearsError
from tests.benchmarks.figures import Figure, figure_from_json
from tests.benchmarks.measuring import console
from tests.benchmarks.places import Places, open_places
from tests.benchmarks.plotting import Report, draw
from tests.benchmarks.reporting import print_table, write_json
from tests.benchmarks.sizes import ON_DEMAND, QUESTIONS, SIZES, Size, size_named
from tests.support.processes import ending_with_us

REPORT = Path("build/bench.json")
PICTURE = Path("build/speed.svg")
GIVE_UP_AFTER = 3_600
"""Seconds for one question. The longest needs a fraction of it."""
STOPS_WITHIN = 60
"""Seconds for a question that is broken off to stop what it started."""


def main(words: Sequence[str] | None = None) -> int:
    """Ask these questions, or all of them if none is named; the exit code."""
    questions = _asked_for(words)
    size = size_named(os.environ.get("SIZE") or "full")
    answers = {}
    with (
        tempfile.TemporaryDirectory(prefix="arrears-bench-") as directory,
        open_places(Path(directory)) as places,
    ):
        for nr, question in enumerate(questions, 1):
            of = f"{nr} of {len(questions)}, size {size.name}"
            console.print(f"[bold]{question}[/bold], question {of}")
            started = time.monotonic()
            answers[question] = _ask(question, places, size, Path(directory))
            # Now, so that what is known stays known if a later question finds no answer.
            write_json(answers, size, REPORT)
            console.print(f"  answered after {time.monotonic() - started:.0f} s", style="dim")
    print_table(answers, size)
    draw(Report(size, os.cpu_count() or 1, answers), PICTURE)
    console.print(f"  all of it is in {REPORT}, and drawn in {PICTURE}", style="dim")
    return 0


def _asked_for(words: Sequence[str] | None) -> Sequence[str]:
    known = ", ".join((*QUESTIONS, *ON_DEMAND))
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Measure how fast Arrears is, on servers of this run's own.",
        epilog=f"SIZE in the environment is one of {', '.join(SIZES)}; without it, full. What each "
        "question and figure means stands in docs/performance.md.",
    )
    parser.add_argument(
        "question",
        nargs="*",
        help=f"what to measure: {known}. Without one, all but {', '.join(ON_DEMAND)}.",
    )
    questions: list[str] = parser.parse_args(words).question
    if unknown := set(questions) - {*QUESTIONS, *ON_DEMAND}:
        raise ArrearsError(f"There is no question {', '.join(unknown)}. They are: {known}.")
    return questions or QUESTIONS


def _ask(question: str, places: Places, size: Size, directory: Path) -> list[Figure]:
    answer = directory / f"{question}.json"
    process = subprocess.Popen(
        ending_with_us(sys.executable, "-m", "tests.benchmarks.asking", question, str(answer)),
        env={**places.environment, "SIZE": size.name, "TMPDIR": tempfile.gettempdir()},
        # Out of the terminal's reach: it is told to stop once, by us, and then we wait for it.
        start_new_session=True,
    )
    try:
        code = process.wait(GIVE_UP_AFTER)
    except subprocess.TimeoutExpired:
        _break_off(process)
        raise ArrearsError(
            f"{question} found no answer in {GIVE_UP_AFTER / 3_600:g} h and was broken off."
        ) from None
    except KeyboardInterrupt:
        _break_off(process)
        raise
    if code:
        raise ArrearsError(f"{question} found no answer; what went wrong stands above.")
    return [figure_from_json(figure) for figure in json.loads(answer.read_text())]


def _break_off(process: subprocess.Popen[bytes]) -> None:
    """Let a question stop the processes that it started: nobody else knows them."""
    for again in (signal.SIGINT, signal.SIGTERM):
        signal.signal(again, signal.SIG_IGN)
    console.print("  stopping what was started", style="dim")
    process.terminate()
    try:
        process.wait(STOPS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except ArrearsError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        console.print(f"Broken off. What was answered before is in {REPORT}.")
        sys.exit(130)
