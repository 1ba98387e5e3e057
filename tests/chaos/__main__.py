"""`python -m tests.chaos`: one chaotic day, with the seed first and the verdict last."""

import argparse
import json
import secrets
import signal
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from domain.errors import ArrearsError
from tests.chaos.book import MOST_LOANS
from tests.chaos.day import Day, Outcome, live_through

LOANS = 10_000
EVERY = (4.0, 12.0)
WITHIN = 1_800.0
INTERRUPTED = 130


def main() -> int:
    day = _day(_options())
    signal.signal(signal.SIGTERM, _interrupt)
    started = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - started:7.1f} s  {what}", flush=True)

    print(f"seed {day.seed}", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="arrears-chaos-") as folder:
            outcome = live_through(day, Path(folder), say)
    except KeyboardInterrupt:
        say("interrupted; everything that was started is stopped")
        return INTERRUPTED
    except ArrearsError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(figures(outcome)), flush=True)
    return 0 if outcome.verdict.good else 1


def figures(outcome: Outcome) -> dict[str, Any]:
    """The one JSON object with which a day ends."""
    record = asdict(outcome)
    verdict: dict[str, Any] = record.pop("verdict")
    return verdict | record


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--loans", type=int, default=LOANS, help="loans that are owed a text")
    parser.add_argument("--seed", type=int, help="drawn if left out; the same seed, the same day")
    options = parser.parse_args()
    if not 10 <= options.loans <= MOST_LOANS * 9 // 10:
        parser.error(f"--loans is from 10 to {MOST_LOANS * 9 // 10}.")
    return options


def _day(options: argparse.Namespace) -> Day:
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    return Day(loans=options.loans, seed=seed, every=EVERY, within=WITHIN)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    # The same way out as for Ctrl-C, through every context that stops what it has started.
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
