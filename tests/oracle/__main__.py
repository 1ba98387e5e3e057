"""A million borrower-days under every law that ships, and the oracle's findings.

First the domain alone, without a database, for so many borrowers; then Arrears itself, on a
PostgreSQL of its own, with workers that race for every message and are lost at their commits; then
once more, with borrowers who promise, ask for plans and complain.

    make judge [BORROWERS=10000] [DAYS=100] [SEED=7] [PROCESSES=2] [IN_STORE=60] [AGREEING=60]
    python -m tests.oracle --borrowers 10000 --days 100 --processes 2 --in-store 60 --agreeing 60

Prints how often each situation occurred in each part, and ends with one JSON object. Exit code 1:
something was unlawful, unexplained or deferred too late, texted twice, or wrong in the evidence.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine

from tests.oracle.accounts_in_store import live_with_agreements
from tests.oracle.agreeing_world import Judged
from tests.oracle.on_postgres import live_in_the_store
from tests.oracle.simulation import Found, live
from tests.oracle.verdict import Lived
from tests.support.databases import new_database
from workers.db.engine import connect
from workers.db.migrate import upgrade
from workers.simulator.servers.postgres_and_valkey import LocalPostgres

IN_ONE_PART = 100
"""Borrowers whose lives are lived in one go: small enough that progress shows."""


def main() -> int:
    """Live and judge; the exit code."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--borrowers", type=int, default=10_000)
    asked.add_argument("--days", type=int, default=100)
    asked.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    asked.add_argument("--processes", type=int, default=1, help="for the part without a database")
    asked.add_argument("--in-store", type=int, default=60, help="borrowers of Arrears itself")
    asked.add_argument(
        "--agreeing", type=int, default=60, help="borrowers who promise and complain"
    )
    given = asked.parse_args()
    _say(f"seed {given.seed}")
    started = time.monotonic()
    found = _without_database(given.borrowers, given.days, given.seed, given.processes, started)
    summary = {"in_domain": _summary(found)}
    wrong = _wrong(found)
    if given.in_store:
        lived = _in_the_store(given.in_store, given.days, given.seed)
        in_store = {
            "contacts_by_channel": lived.by_channel,
            "texted_twice": lived.texted_twice,
            "workers_lost": lived.workers_lost,
            "evidence_wrong": lived.evidence_wrong,
        }
        summary["in_store"] = {**_summary(lived.found), **in_store}
        wrong += _wrong(lived.found) + lived.texted_twice + lived.evidence_wrong
        _show("Arrears itself, on PostgreSQL", lived.found)
    if given.agreeing:
        judged = _with_agreements(given.agreeing, given.days, given.seed)
        summary["agreeing"] = _agreed(judged)
        wrong += judged.wrong
    if given.borrowers:
        _show("the domain, without a database", found)
    days = sum(part["borrower_days"] for part in summary.values())
    seconds = round(time.monotonic() - started, 1)
    print(json.dumps({"borrower_days": days, **summary, "seconds": seconds}))
    return int(wrong > 0)


def _say(said: str) -> None:
    print(said, file=sys.stderr, flush=True)


def _summary(found: Found) -> dict[str, Any]:
    return {
        "borrower_days": found.borrower_days,
        "contacts": found.contacts,
        "refusals": found.refusals,
        "unlawful": found.unlawful,
        "unexplained": found.unexplained,
        "deferred_too_late": found.deferred_too_late,
    }


def _wrong(found: Found) -> int:
    return found.unlawful + found.unexplained + found.deferred_too_late


def _show(part: str, found: Found) -> None:
    _say(f"\n{part}: {found.borrower_days} borrower-days\n{found.seen.table()}\n")
    for offender in found.offenders:
        _say(offender)


def _agreed(judged: Judged) -> dict[str, Any]:
    """Prints what was seen, and gives the summary."""
    _say(f"\nborrowers who promise, ask for plans and complain: {judged.borrower_days} days")
    for name, count in (judged.contacts + judged.seen).most_common():
        _say(f"{name:44}{count:14}")
    for offender in [*judged.unlawful[:10], *judged.not_due[:10]]:
        _say(offender)
    return {
        "borrower_days": judged.borrower_days,
        "contacts": judged.contacts.total(),
        "unlawful": len(judged.unlawful),
        "wrong_on_record": len(judged.not_due),
    }


def _in_the_store(borrowers: int, days: int, seed: int) -> Lived:
    with _an_engine() as engine:
        return live_in_the_store(engine, seed, borrowers, days, progress=_say)


def _with_agreements(borrowers: int, days: int, seed: int) -> Judged:
    with _an_engine() as engine:
        return live_with_agreements(engine, seed, borrowers, days, progress=_say)


@contextmanager
def _an_engine() -> Iterator[Engine]:
    with LocalPostgres() as server, new_database(server.url) as url:
        address = url.render_as_string(hide_password=False)
        upgrade(address)
        engine = connect(address, pool_size=8)
        try:
            yield engine
        finally:
            engine.dispose()


def _without_database(
    borrowers: int, days: int, seed: int, processes: int, started: float
) -> Found:
    parts = [min(IN_ONE_PART, borrowers - first) for first in range(0, borrowers, IN_ONE_PART)]
    found = Found()
    for done, part in enumerate(_lived(parts, days, seed, processes), 1):
        found += part
        if done % 10 == 0 or done == len(parts):
            took = time.monotonic() - started
            _say(
                f"{took:7.1f} s  {found.borrower_days} borrower-days, {found.contacts} contacts, "
                f"{_wrong(found)} wrong so far"
            )
    return found


def _lived(parts: list[int], days: int, seed: int, processes: int) -> Iterator[Found]:
    """Each part, as soon as it is lived; the seeds of the parts do not depend on the processes."""
    if processes == 1:
        for n, part in enumerate(parts):
            yield live(seed + n, part, days)
        return
    with ProcessPoolExecutor(processes) as pool:
        waiting = [pool.submit(live, seed + n, part, days) for n, part in enumerate(parts)]
        for lived in as_completed(waiting):
            yield lived.result()


if __name__ == "__main__":
    sys.exit(main())
