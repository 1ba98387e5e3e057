"""What a tape and the payments on record say together: money that came in is never lost again."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.adjustments import (
    AdjustedPart,
    Adjustment,
    AdjustmentKind,
    adjust,
    apply_parts,
    take_back_charge,
)
from domain.allocation import AllocateBy, AllocationOrder, allocate, apply_allocations
from domain.loans import ZERO, Component, Instalment
from domain.schedule import paid_by_total
from domain.tape_reconciliation import (
    BookedAdjustment,
    BookedPayment,
    OnRecord,
    paid_in_all,
    reconcile,
    remove_paid,
)

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
BEFORE, DAY, AFTER = date(2026, 3, 4), date(2026, 3, 5), date(2026, 3, 6)
ORDER = AllocationOrder()


def tape(paid: str) -> tuple[Instalment, ...]:
    """Two instalments of 110, of which so much is paid in all."""
    due = [Instalment(day, Decimal(100), Decimal(10)) for day in (MARCH, APRIL)]
    return paid_by_total(due, Decimal(paid), Decimal(0))


def booked(day: date, pays: str, *, reversed: bool = False) -> BookedPayment:
    return BookedPayment(1, day, Decimal(pays), Decimal(pays), reversed)


def record(paid: str, *payments: BookedPayment, may_fall_by: str = "0") -> OnRecord:
    return OnRecord(Decimal(paid), Decimal(may_fall_by), payments)


@pytest.mark.parametrize(
    ("stated", "known", "paid", "less"),
    [
        pytest.param("110", record("0"), "110", "0", id="a tape that tells more is believed"),
        pytest.param("0", record("110"), "110", "110", id="one that tells less is not"),
        pytest.param("50", record("110"), "110", "60", id="what it lacks is said"),
        pytest.param(
            "0", record("110", booked(AFTER, "110")), "110", "0", id="a later payment lies on top"
        ),
        pytest.param(
            "0", record("110", booked(DAY, "110")), "110", "0", id="one of the day itself, too"
        ),
        pytest.param(
            "110", record("110", booked(DAY, "110")), "220", "0", id="also if it shows as much"
        ),
        pytest.param(
            "50", record("110", booked(DAY, "110")), "160", "0", id="and what it shows is another"
        ),
        pytest.param(
            "110",
            record("0", booked(BEFORE, "110", reversed=True)),
            "0",
            "0",
            id="a reversal that the tape was cut before stays one",
        ),
        pytest.param(
            "0", record("0", booked(BEFORE, "110", reversed=True)), "0", "0", id="and counts once"
        ),
        pytest.param(
            "0", record("110", may_fall_by="110"), "0", "0", id="a noted reversal may be shown"
        ),
    ],
)
def test_what_is_paid_in_all(stated: str, known: OnRecord, paid: str, less: str) -> None:
    found = reconcile(tape(stated), known, DAY, ORDER)

    assert (paid_in_all(found.instalments), found.less) == (Decimal(paid), Decimal(less))


WAIVER = AdjustmentKind.WAIVER
FEE = Instalment(MARCH, Decimal(100), fees=Decimal(10))


@pytest.mark.parametrize(
    ("waiver", "owed", "paid", "left"),
    [
        pytest.param(
            Adjustment(WAIVER, DAY, Decimal(10), Component.FEES), 100, 50, 0, id="of a charge"
        ),
        pytest.param(Adjustment(WAIVER, DAY, component=Component.FEES), 100, 50, 0, id="of fees"),
        pytest.param(Adjustment(WAIVER, DAY), 50, 50, 0, id="of the rest"),
        pytest.param(Adjustment(WAIVER, DAY, Decimal(80)), 50, 50, 20, id="of more than that"),
    ],
)
def test_of_one_moment_a_payment_pays_what_is_not_waived_and_is_never_lost(
    waiver: Adjustment, owed: int, paid: int, left: int
) -> None:
    """Of something certain the waiver is first: the payment does not pay what is not owed. Of all
    that is unpaid it is last: what is paid is not unpaid."""
    amount = Decimal(50 + left)
    payment = BookedPayment(1, DAY, amount, amount)
    if left:
        owed, paid, left = 30, 30, 40
    known = OnRecord(ZERO, ZERO, (payment,), (BookedAdjustment(1, waiver),))

    found = reconcile((FEE,), known, DAY, ORDER)

    assert sum(due.amount for due in found.instalments) == owed
    assert (paid_in_all(found.instalments), found.allocations[1][1]) == (paid, left)


CHARGED = (AdjustedPart(MARCH, Component.FEES, Decimal(10), MARCH),)


@pytest.mark.parametrize(
    ("on_tape", "on_record", "taken_back", "fees"),
    [
        pytest.param(0, 10, False, 10, id="cut before it"),
        pytest.param(10, 10, False, 10, id="cut after it"),
        pytest.param(15, 10, False, 15, id="cut after it, with another one"),
        pytest.param(5, 10, False, 10, id="it shows a part, or another one"),
        pytest.param(0, 0, True, 0, id="taken back, cut before it"),
        pytest.param(10, 0, True, 0, id="taken back, cut between"),
        pytest.param(5, 5, True, 5, id="taken back, and another one stays"),
    ],
)
def test_a_charge_of_the_tapes_own_day_counts_once_wherever_the_tape_was_cut(
    on_tape: int, on_record: int, taken_back: bool, fees: int
) -> None:
    def owing(fees: int) -> tuple[Instalment, ...]:
        return (Instalment(MARCH, Decimal(100), fees=Decimal(fees)),)

    due = Adjustment(AdjustmentKind.CHARGE, DAY, Decimal(10), Component.FEES, due_on=MARCH)
    charge = BookedAdjustment(1, due, CHARGED, taken_back)
    known = OnRecord(adjustments=(charge,), owed=owing(on_record))

    found = reconcile(owing(on_tape), known, DAY, ORDER)
    assert found.instalments == owing(fees)

    noted = replace(charge, parts=())
    assert reconcile(
        owing(on_tape), replace(known, adjustments=(noted,)), DAY, ORDER
    ).instalments == owing(fees), "also if a later tape contains it"
    again = replace(known, owed=found.instalments)
    assert reconcile(owing(on_tape), again, DAY, ORDER).instalments == owing(fees), "the same again"


CHARGE = Adjustment(AdjustmentKind.CHARGE, DAY, Decimal(10), Component.FEES, due_on=MARCH)
WAIVER = Adjustment(AdjustmentKind.WAIVER, DAY, Decimal(4), Component.FEES)
LEFT_OUT = Adjustment(AdjustmentKind.LEFT_OUT, DAY, instalment=MARCH, due_on=APRIL)
ON_ITS_OWN = replace(CHARGE, due_on=DAY)


@pytest.mark.parametrize(
    ("told", "due_on", "fees", "owed"),
    [
        pytest.param((CHARGE, WAIVER), MARCH, 0, (MARCH, 106), id="cut before both"),
        pytest.param((CHARGE, WAIVER), MARCH, 10, (MARCH, 106), id="cut between them"),
        pytest.param((CHARGE, WAIVER), MARCH, 6, (MARCH, 106), id="cut after both"),
        pytest.param((CHARGE,), MARCH, 6, (MARCH, 110), id="a part was waived, and nobody said it"),
        pytest.param((CHARGE, LEFT_OUT), MARCH, 0, (APRIL, 110), id="cut before it was moved"),
        pytest.param((CHARGE, LEFT_OUT), APRIL, 10, (APRIL, 110), id="cut after it was moved"),
        pytest.param((CHARGE,), APRIL, 10, (APRIL, 110), id="it was moved, and nobody said it"),
        pytest.param((CHARGE,), APRIL, 6, (APRIL, 110), id="moved, and a part was waived"),
        pytest.param((ON_ITS_OWN,), MARCH, 10, (MARCH, 110), id="shown with the oldest one"),
    ],
)
def test_of_a_charge_of_the_tapes_own_day_only_what_the_tape_lacks_is_added(
    told: tuple[Adjustment, ...], due_on: date, fees: int, owed: tuple[date, int]
) -> None:
    on_record: tuple[Instalment, ...] = (Instalment(MARCH, Decimal(100)),)
    adjustments: list[BookedAdjustment] = []
    for id, adjustment in enumerate(told, 1):
        parts = adjust(on_record, adjustment, ORDER, lambda day: day)
        adjustments.append(BookedAdjustment(id, adjustment, parts))
        on_record = apply_parts(on_record, parts)
    on_tape = (Instalment(due_on, Decimal(100), fees=Decimal(fees)),)
    known = OnRecord(adjustments=tuple(adjustments), owed=on_record)

    found = reconcile(on_tape, known, DAY, ORDER)

    assert [(due.due_on, due.amount) for due in found.instalments] == [owed]
    assert sum(part.amount for part in found.adjusted[1]) == 10
    kept = tuple(replace(each, parts=found.adjusted[each.id]) for each in adjustments)
    again = OnRecord(adjustments=kept, owed=found.instalments)
    assert reconcile(on_tape, again, DAY, ORDER).instalments == found.instalments, "the same again"


@given(
    st.integers(0, 20), st.integers(0, 20), st.integers(0, 20), st.integers(0, 30), st.booleans()
)
def test_a_tape_of_the_day_of_a_charge_never_makes_more_owed_than_it_shows_or_than_was_known(
    before: int, charged: int, waived: int, shown: int, taken_back: bool
) -> None:
    on_record: tuple[Instalment, ...] = (Instalment(MARCH, Decimal(100), fees=Decimal(before)),)
    charge = replace(CHARGE, amount=Decimal(charged))
    adjustments: list[BookedAdjustment] = []
    for id, adjustment in enumerate((charge, replace(WAIVER, amount=Decimal(waived))), 1):
        parts = adjust(on_record, adjustment, ORDER, lambda day: day)
        adjustments.append(BookedAdjustment(id, adjustment, parts))
        on_record = apply_parts(on_record, parts)
    if taken_back:
        on_record, _, _ = take_back_charge(on_record, adjustments[0].parts)
        adjustments[0] = replace(adjustments[0], taken_back=True)
    known = OnRecord(adjustments=tuple(adjustments), owed=on_record)

    on_tape = (Instalment(MARCH, Decimal(100), fees=Decimal(shown)),)
    (found,) = reconcile(on_tape, known, DAY, ORDER).instalments

    (recorded,) = on_record
    assert found.fees <= max(shown, recorded.fees)


@pytest.mark.parametrize("taken_back", [False, True])
@pytest.mark.parametrize("is_in_tape", [False, True])
def test_an_acceleration_of_the_tapes_own_day_is_made_and_taken_back_once(
    taken_back: bool, is_in_tape: bool
) -> None:
    agreed, accelerated = tape("0"), (Instalment(MARCH, Decimal(200), Decimal(20)),)
    booked = Adjustment(AdjustmentKind.ACCELERATION, DAY, due_on=MARCH)
    parts = adjust(agreed, booked, ORDER, lambda day: day)
    entry = BookedAdjustment(1, booked, parts, taken_back)
    expected = agreed if taken_back else accelerated

    on_tape = accelerated if is_in_tape else agreed
    found = reconcile(on_tape, OnRecord(adjustments=(entry,), owed=expected), DAY, ORDER)

    assert found.instalments == expected
    assert set(found.adjusted.get(1, parts)) == set(parts), "it can be taken back at once"


def test_what_the_tape_lacks_is_laid_where_the_tape_moved_the_instalments() -> None:
    moved = (Instalment(date(2026, 3, 20), Decimal(110)), Instalment(APRIL, Decimal(110)))

    found = reconcile(moved, record("110"), DAY, ORDER)

    assert [instalment.unpaid for instalment in found.instalments] == [0, 110]


def test_a_charge_that_a_tape_adds_to_what_was_paid_is_owed() -> None:
    stated = (Instalment(MARCH, Decimal(100), Decimal(10), fees=Decimal(5)),)

    found = reconcile(paid_by_total(stated, Decimal(110), Decimal(0)), record("110"), DAY, ORDER)

    assert (found.instalments[0].unpaid, found.less) == (5, 0)


ORDERS = st.builds(
    lambda components, actor: AllocationOrder(tuple(components), actor),
    st.permutations(ORDER.components),
    st.sampled_from(AllocateBy),
)
SUMS = st.decimals("0", "330", places=2)


@given(paid=SUMS, stated=SUMS, order=ORDERS)
def test_what_is_paid_only_rises_and_nobody_is_credited_with_more_than_was_told(
    paid: Decimal, stated: Decimal, order: AllocationOrder
) -> None:
    known = min(paid, Decimal(220))

    found = reconcile(tape(str(stated)), OnRecord(known), DAY, order)

    assert paid_in_all(found.instalments) == max(known, min(stated, Decimal(220)))
    assert all(
        instalment.unpaid_of(c) >= 0 for instalment in found.instalments for c in order.components
    )


@given(stated=SUMS, sums=st.lists(st.decimals("1", "120", places=2), max_size=4), order=ORDERS)
def test_bringing_the_same_tape_in_again_changes_nothing(
    stated: Decimal, sums: list[Decimal], order: AllocationOrder
) -> None:
    schedule = tape(str(stated))
    payments = []
    for id, amount in enumerate(sums):
        parts, left = allocate(schedule, amount, order, AFTER)
        schedule = apply_allocations(schedule, parts)
        payments.append(BookedPayment(id, AFTER, amount, amount - left))

    known = OnRecord(paid_in_all(schedule), payments=tuple(payments))

    assert reconcile(tape(str(stated)), known, DAY, order).instalments == schedule


@given(paid=SUMS, back=SUMS, order=ORDERS)
def test_taking_off_lowers_what_is_paid_by_no_more_than_there_is(
    paid: Decimal, back: Decimal, order: AllocationOrder
) -> None:
    lowered = remove_paid(tape(str(paid)), back, order, DAY)

    assert paid_in_all(lowered) == max(Decimal(0), min(paid, Decimal(220)) - back)


def test_a_reversed_payment_that_named_an_instalment_is_taken_from_that_one() -> None:
    lowered = remove_paid(tape("220"), Decimal(130), ORDER, DAY, MARCH)

    assert [instalment.paid for instalment in lowered] == [0, 90]
