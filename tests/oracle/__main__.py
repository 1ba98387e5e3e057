"""A million borrower-days under every law that ships, and the oracle's findings.

First the gate alone, for so many borrowers; then Arrears itself, on a store of its own, with
workers that race for every message and are lost at their commits.

    make judge [BORROWERS=10000] [DAYS=100] [SEED=7]
    python -m tests.oracle --borrowers 10000 --days 100 --seed 7

Ends with one JSON object. Exit code 1: something was unlawful, unexplained or deferred too late.
"""

import argparse
import json
import os
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

from sqlalchemy import create_engine

from tests.oracle.on_postgres import Lived, live_in_the_store
from tests.oracle.simulation import Found, live
from tests.support.databases import new_database
from workers.db.migrate import upgrade
from workers.simulator.servers.postgres_and_valkey import LocalPostgres

IN_ONE_PART = 50
"""Borrowers whose lives are lived in one go: small enough that progress shows."""


def main() -> int:
    """Live and judge; the exit code."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--borrowers", type=int, default=10_000)
    asked.add_argument("--days", type=int, default=100)
    asked.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    asked.add_argument("--in-store", type=int, default=60, help="borrowers of Arrears itself")
    given = asked.parse_args()
    print(f"seed {given.seed}", file=sys.stderr)
    started = time.monotonic()
    found = _all(given.borrowers, given.days, given.seed, started)
    lived = _in_the_store(given.in_store, given.days, given.seed)
    found += lived.found
    for offender in found.offenders:
        print(offender, file=sys.stderr)
    summary = {
        "borrower_days": found.borrower_days,
        "contacts": found.contacts,
        "unlawful": found.unlawful,
        "unexplained": found.unexplained,
        "deferred_too_late": found.deferred_too_late,
        "refusals": found.refusals,
        "in_store": {
            "borrower_days": lived.found.borrower_days,
            "contacts": lived.by_channel,
            "texted_twice": lived.texted_twice,
            "workers_lost": lived.workers_lost,
            "evidence_wrong": lived.evidence_wrong,
        },
        "seconds": round(time.monotonic() - started, 1),
    }
    print(json.dumps(summary))
    wrong = (
        found.unlawful,
        found.unexplained,
        found.deferred_too_late,
        lived.texted_twice,
        lived.evidence_wrong,
    )
    return int(any(wrong))


def _in_the_store(borrowers: int, days: int, seed: int) -> Lived:
    with LocalPostgres() as server, new_database(server.url) as url:
        address = url.render_as_string(hide_password=False)
        upgrade(address)
        engine = create_engine(address, pool_size=8)
        try:
            return live_in_the_store(
                engine, seed, borrowers, days, progress=lambda said: print(said, file=sys.stderr)
            )
        finally:
            engine.dispose()


def _all(borrowers: int, days: int, seed: int, started: float) -> Found:
    parts = [min(IN_ONE_PART, borrowers - first) for first in range(0, borrowers, IN_ONE_PART)]
    found, done = Found(), 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        waiting = [pool.submit(live, seed + n, part, days) for n, part in enumerate(parts)]
        for part_done in as_completed(waiting):
            found += part_done.result()
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
