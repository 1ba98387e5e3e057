"""A million borrower-days under every law that ships, and the judge's findings.

    make judge [BORROWERS=10000] [DAYS=100] [SEED=7]
    python -m tests.judge --borrowers 10000 --days 100 --seed 7

Ends with one JSON object. Exit code 1: something was unlawful, unexplained or deferred too late.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.judge.world import Found, live

IN_ONE_PART = 50
"""Borrowers whose lives are lived in one go: small enough that progress shows."""


def main() -> int:
    """Live and judge; the exit code."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--borrowers", type=int, default=10_000)
    asked.add_argument("--days", type=int, default=100)
    asked.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    given = asked.parse_args()
    print(f"seed {given.seed}", file=sys.stderr)
    started = time.monotonic()
    found = _all(given.borrowers, given.days, given.seed, started)
    for offender in found.offenders:
        print(offender, file=sys.stderr)
    told = {
        "borrower_days": found.borrower_days,
        "contacts": found.contacts,
        "unlawful": found.unlawful,
        "unexplained": found.unexplained,
        "deferred_too_late": found.deferred_too_late,
        "refusals": found.refusals,
        "seconds": round(time.monotonic() - started, 1),
    }
    print(json.dumps(told))
    return int(bool(found.unlawful or found.unexplained or found.deferred_too_late))


def _all(borrowers: int, days: int, seed: int, started: float) -> Found:
    parts = [min(IN_ONE_PART, borrowers - first) for first in range(0, borrowers, IN_ONE_PART)]
    found, done = Found(), 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        waiting = [pool.submit(live, seed + n, part, days) for n, part in enumerate(parts)]
        for one in as_completed(waiting):
            found += one.result()
            done += 1
            if done % 20 == 0 or done == len(parts):
                took = time.monotonic() - started
                print(
                    f"{took:7.1f} s  {found.borrower_days} borrower-days, {found.contacts} "
                    f"contacts, {len(found.offenders)} offenders so far",
                    file=sys.stderr,
                )
    return found


if __name__ == "__main__":
    sys.exit(main())
