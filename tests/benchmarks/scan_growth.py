"""Does a scan of a ten times larger book, with as many loans due, take as long?"""

from tests.benchmarks.book import a_book
from tests.benchmarks.figures import Figure, Target, rates, ratios
from tests.benchmarks.measuring import Contender, take_turns
from tests.benchmarks.places import Places
from tests.benchmarks.scans import CountedScan, keep_quiet, publish
from tests.benchmarks.sizes import Size
from workers.context import Context
from workers.escalation.scan import Announce

TARGET = Target(1.3, at_least=False)


def measure(places: Places, size: Size) -> list[Figure]:
    with (
        a_book(places, size.fewer_loans, size.due) as small,
        a_book(places, size.loans, size.due) as large,
    ):
        seconds = take_turns(
            [
                _contender(f"{what}, {loans:,} loans", ctx, size.due, announcer, places)
                for what, announcer in (("found", keep_quiet), ("found and announced", publish))
                for loans, ctx in ((size.fewer_loans, small), (size.loans, large))
            ],
            size.repeats,
        )
    found_in_small, found_in_large, small_scan, large_scan = seconds.values()
    growth = f"{size.loans:,} loans against {size.fewer_loans:,}, {size.due:,} due in both"
    return [
        ratios(f"find and publish, {growth}", large_scan, small_scan, TARGET),
        ratios(f"find only, {growth}", found_in_large, found_in_small, TARGET),
        *(Figure(name, "s", tuple(runs)) for name, runs in seconds.items()),
        rates(f"found and announced, {size.loans:,} loans", "loans/s", size.due, large_scan),
    ]


def _contender(name: str, ctx: Context, due: int, announcer: Announce, places: Places) -> Contender:
    scan = CountedScan(ctx, due, announcer)
    broker = places.broker()

    def before() -> None:
        broker.flushall()
        scan.make_ready()

    return Contender(name, work=scan.run, before=before, after=scan.check)
