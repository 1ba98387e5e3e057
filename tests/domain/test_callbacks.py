"""A callback is agreed for a moment at which a call is lawful and somebody who makes it works."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.callbacks import Callback, Obstacle, first_callback
from domain.collectors import Span
from domain.compliance.verdict import Permission, Verdict
from domain.contact_outcomes import CALLBACK_TAKES
from domain.reasons import ReasonCode, because

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LAST = NOON + timedelta(hours=12)
TAKES = timedelta(minutes=5)
CLOSED = because(ReasonCode.ON_HOLD, hold="manual")
starts, lengths = st.integers(-120, 400), st.integers(1, 180)
spans = st.lists(
    st.builds(
        lambda start, length: Span(
            NOON + timedelta(minutes=start), NOON + timedelta(minutes=start + length)
        ),
        starts,
        lengths,
    ),
    max_size=4,
)


def closed_in(barred: list[Span]) -> object:
    def gate(at: datetime) -> Verdict:
        ends = [span.ends_at for span in barred if span.starts_at <= at < span.ends_at]
        if not ends:
            return Verdict(Permission.ALLOWED, (), ())
        return Verdict(Permission.DEFERRED, (), CLOSED, max(ends))

    return gate


@given(spans, spans, spans)
def test_the_moment_that_is_named_is_the_first_one_possible(
    barred: list[Span], visits: list[Span], working: list[Span]
) -> None:
    def possible(at: datetime) -> bool:
        return (
            not any(span.starts_at <= at < span.ends_at for span in barred)
            and not any(span.overlaps(Span(at, at + CALLBACK_TAKES)) for span in visits)
            and any(span.covers(Span(at, at + TAKES)) for span in working)
        )

    found = first_callback(
        NOON,
        LAST,
        closed_in(barred),  # type: ignore[arg-type]
        visits=visits,
        working=working,
        takes=TAKES,
    )
    minutes = [NOON + timedelta(minutes=each) for each in range(720)]
    assert found.moment == next(filter(possible, minutes), None)
    assert (found.obstacle is None) == (found.moment == NOON)


def test_without_a_moment_the_gate_says_why() -> None:
    never = Verdict(Permission.DEFERRED, (), CLOSED)
    assert first_callback(NOON, LAST, lambda _: never) == Callback(None, Obstacle.GATE, CLOSED)
    nobody = first_callback(NOON, LAST, lambda _: Verdict(Permission.ALLOWED, (), ()), working=[])
    assert nobody == Callback(None, Obstacle.NOBODY_WORKS)
