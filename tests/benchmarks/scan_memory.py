"""Does a scan need more memory when more loans are due? Each is asked in a process of its own."""

import subprocess
import sys

from tests.benchmarks.book import a_book
from tests.benchmarks.figures import Figure, Target, expect
from tests.benchmarks.measuring import note, peak_memory
from tests.benchmarks.places import Places, places_here
from tests.benchmarks.scans import CountedScan, publish
from tests.benchmarks.sizes import Size
from workers.escalation.scan import scan_portfolio

A_FEW_MB = Target(5, at_least=False)
RUNS = 3
GIVE_UP_AFTER = 300


def measure(places: Places, size: Size) -> list[Figure]:
    growth = {due: _growth(places, due) for due in size.due_for_memory}
    fewest, *more = growth
    return [
        *(
            Figure(
                f"memory of a scan, {due:,} due above {fewest:,} due",
                "MB",
                tuple(a - b for a, b in zip(growth[due], growth[fewest], strict=True)),
                A_FEW_MB,
            )
            for due in more
        ),
        *(
            Figure(f"memory that a scan adds, {due:,} due", "MB", tuple(runs))
            for due, runs in growth.items()
        ),
    ]


def _growth(places: Places, due: int) -> list[float]:
    """MB by which a scan raised the peak of its process, in each of a few runs."""
    grown = []
    with a_book(places, due, due) as ctx:
        scan = CountedScan(ctx, due, publish)
        for _ in range(RUNS):
            places.broker().flushall()
            scan.make_ready()
            grown.append(_in_a_fresh_process(places.at(ctx.settings.database_url), due))
            note(f"a scan with {due:,} due adds {grown[-1]:.1f} MB")
    return grown


def _in_a_fresh_process(environment: dict[str, str], due: int) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.scan_memory"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=GIVE_UP_AFTER,
    )
    loans, grown = done.stdout.split()
    expect("loans announced", int(loans), due)
    return float(grown)


def main() -> None:
    """Scan as a worker does, once, and print how many loans that were and the MB it took."""
    places = places_here()
    with places.ctx(places.server_url) as ctx:
        # What the first use of a connection loads is not the scan's.
        ctx.engine.connect().close()
        publish([])
        before = peak_memory()
        done = scan_portfolio(ctx, publish)
        print(done.loans, peak_memory() - before)


if __name__ == "__main__":
    main()
