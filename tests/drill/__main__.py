"""`python -m tests.drill`: a day on which the database is lost, once for each kind of backup."""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

from domain.errors import ArrearsError
from tests.drill.day import BACKUPS, live_through
from tests.drill.people import ZONES

LOANS = 60
INTERRUPTED = 130


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, _interrupt)
    started = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - started:7.1f} s  {what}", flush=True)

    broken = 0
    try:
        for kind in [options.backup] if options.backup else BACKUPS:
            say(f"backup: {kind}")
            with tempfile.TemporaryDirectory(prefix="arrears-drill-") as folder:
                broken += live_through(kind, options.loans, Path(folder), say).broken
    except KeyboardInterrupt:
        say("interrupted; everything that was started is stopped")
        return INTERRUPTED
    except ArrearsError as error:
        print(error, file=sys.stderr)
        return 2
    say(f"{broken} broken" if broken else "everything held")
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description=__doc__)
    parser.add_argument("--loans", type=int, default=LOANS, help="loans that are owed a text")
    parser.add_argument("--backup", choices=sorted(BACKUPS), help="both, if left out")
    options = parser.parse_args()
    if not 3 * len(ZONES) <= options.loans <= 3_000:
        parser.error(f"--loans is from {3 * len(ZONES)} to 3000.")
    return options


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    # The same way out as for Ctrl-C, through every context that stops what it has started.
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
