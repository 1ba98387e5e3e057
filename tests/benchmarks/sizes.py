"""What is asked, and of how large a book."""

from dataclasses import dataclass

from domain.errors import ArrearsError

QUESTIONS = (
    "statement_counts",
    "gate_cost",
    "assign",
    "next_work",
    "publishing",
    "payments",
    "texts",
    "whole_day",
    "one_loan_a_message",
    "peers",
    "scan_growth",
    "scan_memory",
    "tape",
)
"""The modules that measure, in the order in which they are asked."""
ON_DEMAND = ("row_sizes",)
"""Asked only by their names: what they answer hangs on the tables, and on no machine."""

SINGLE_PROCESSES = 4
"""Worker processes where each loan has its message, of Arrears and of the no-op: two for each
processor, for a process that waits for PostgreSQL leaves it to another."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much work one run of the benchmark is."""

    name: str
    loans: int
    """The large book."""
    fewer_loans: int
    """The small book that it is compared with."""
    due: int
    """Loans due for a look, in either book."""
    due_for_memory: tuple[int, ...]
    """How many loans are due in the scans whose memory is compared; the first is the measure."""
    books: tuple[int, ...]
    """The books on which a whole day is worked through; the last two are compared."""
    due_counts: tuple[int, ...]
    """Loans due on days of the middle book that are drawn beside the others; the most of them is
    what memory is compared at."""
    day_rounds: int
    peer_loans: int
    peer_due: int
    """The day that is also done by others, with as many due: too many for a message each."""
    peer_processes: tuple[int, ...]
    """Worker processes of Arrears on that day; the others have two."""
    single_due: int
    """Loans due where each goes in a message of its own: fewer than one scan may leave waiting."""
    single_rounds: int
    peer_rounds: int
    tape_loans: int
    """The loans of a tape, with twelve instalments each."""
    messages: int
    """How many are published in one run."""
    repeats: int


SIZES = {
    "small": Size(
        name="small",
        loans=100_000,
        fewer_loans=20_000,
        due=10_000,
        due_for_memory=(5_000, 50_000),
        books=(20_000, 100_000),
        due_counts=(1_000, 20_000),
        day_rounds=1,
        peer_loans=50_000,
        peer_due=2_500,
        single_due=1_000,
        single_rounds=1,
        peer_processes=(2,),
        peer_rounds=1,
        tape_loans=20_000,
        messages=2_000,
        repeats=2,
    ),
    "full": Size(
        name="full",
        loans=1_000_000,
        fewer_loans=100_000,
        due=50_000,
        due_for_memory=(5_000, 50_000, 500_000),
        books=(100_000, 1_000_000, 10_000_000),
        due_counts=(5_000, 500_000),
        day_rounds=3,
        peer_loans=1_000_000,
        peer_due=50_000,
        single_due=4_000,
        single_rounds=3,
        peer_processes=(1, 2, 4),
        peer_rounds=1,
        tape_loans=100_000,
        messages=10_000,
        repeats=5,
    ),
}


def size_named(name: str) -> Size:
    """The size of this name.

    Raises:
        ArrearsError: there is none.
    """
    if name not in SIZES:
        raise ArrearsError(f"There is no size {name}. Set SIZE to {' or '.join(SIZES)}.")
    return SIZES[name]
