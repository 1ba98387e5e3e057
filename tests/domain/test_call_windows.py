"""When somebody is called back: at a lawful hour, and while whoever calls is nowhere else."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.collectors import Span
from domain.compliance.call_windows import next_call_at, next_free_call_at

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TAKES = timedelta(minutes=30)
LOAN = "consumer_loan"
minutes = st.integers(-300, 300)
visits = st.lists(
    st.builds(
        lambda start, length: Span(
            NOON + timedelta(minutes=start), NOON + timedelta(minutes=start + length)
        ),
        minutes,
        st.integers(1, 180),
    ),
    max_size=5,
)


@given(visits)
def test_the_moment_that_is_named_is_the_first_that_is_free(busy: list[Span]) -> None:
    found = next_free_call_at((), ["UTC"], NOON, busy, TAKES, LOAN)
    assert found is not None

    def is_free(at: datetime) -> bool:
        return not any(span.overlaps(Span(at, at + TAKES)) for span in busy)

    assert is_free(found)
    earlier = [NOON + timedelta(minutes=m) for m in range((found - NOON) // timedelta(minutes=1))]
    assert not any(map(is_free, earlier))


def test_without_visits_it_is_the_lawful_moment() -> None:
    assert next_free_call_at((), ["UTC"], NOON, (), TAKES, LOAN) == next_call_at(
        (), ["UTC"], NOON, LOAN
    )
