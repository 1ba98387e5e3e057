"""Ladder days, and which ladder is a loan's."""

from datetime import date

import pytest

from domain.errors import ArrearsError
from domain.ladder import AppliesTo, Days, find_ladder, ladder_for
from tests.domain.examples import ladder

TODAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("days", "within", "passed", "written"),
    [
        (Days(3, 3), [3], [4, 5], "3"),
        (Days(2, 4), [2, 3, 4], [5], "2-4"),
        (Days(4), [4, 5], [], "4-"),
    ],
)
def test_days_include_their_first_and_their_last(
    days: Days, within: list[int], passed: list[int], written: str
) -> None:
    assert [day for day in range(6) if day in days] == within
    assert [day for day in range(6) if days.passed_by(day)] == passed
    assert str(days) == written


@pytest.mark.parametrize(
    ("day", "step"),
    [
        (0, None),
        (1, "remind"),
        (3, "remind"),
        (4, None),  # the rest between two steps
        (7, "enquire"),
        (59, "visit"),
        (60, "legal"),
        (999, "legal"),
    ],
)
def test_a_day_belongs_to_one_step_or_to_a_rest(day: int, step: str | None) -> None:
    reached = ladder().step_on(day)
    assert (reached.id if reached else None) == step


def test_the_position_changes_when_the_days_of_an_item_begin_and_when_they_have_passed() -> None:
    changes = [0]
    while (change := ladder().next_change(changes[-1])) is not None:
        changes.append(change)
    # 3: the text's days have passed. 4: the call's. There is nothing after 60, which has no end.
    assert changes[1:] == [1, 3, 4, 7, 30, 60]


@pytest.mark.parametrize(
    ("jurisdictions", "products", "jurisdiction", "product", "matches"),
    [
        (("CN",), (), "CN", "anything", True),
        (("CN",), ("card",), "CN", "card", True),
        (("CN",), ("card",), "CN", "loan", False),
        (("CN",), (), "US", "loan", False),
        (("US",), (), "US-MA", "loan", True),
        (("US-MA",), (), "US", "loan", False),
        (("US-MA",), (), "US-WA", "loan", False),
    ],
)
def test_a_ladder_is_for_its_jurisdictions_their_parts_and_its_products(
    jurisdictions: tuple[str, ...],
    products: tuple[str, ...],
    jurisdiction: str,
    product: str,
    matches: bool,
) -> None:
    assert AppliesTo(jurisdictions, products).matches(jurisdiction, product) is matches


@pytest.mark.parametrize(
    ("on", "version"),
    [
        (date(2025, 12, 31), None),
        (date(2026, 1, 1), 1),
        (date(2026, 6, 30), 1),
        (date(2026, 7, 1), 2),
        (date(2026, 12, 31), 2),
        (date(2027, 1, 1), 1),  # the second version had an end, the first has none
    ],
)
def test_the_newest_version_in_force_counts(on: date, version: int | None) -> None:
    ladders = (
        ladder(version=2, effective_from=date(2026, 7, 1), effective_to=date(2026, 12, 31)),
        ladder(version=1, effective_from=date(2026, 1, 1)),
    )
    found = ladder_for(ladders, jurisdiction="CN", product="loan", currency="CNY", on=on)
    assert (found.version if found else None) == version


def test_a_loan_in_another_currency_has_no_ladder() -> None:
    found = ladder_for((ladder(),), jurisdiction="CN", product="loan", currency="USD", on=TODAY)
    assert found is None


def test_the_version_that_planned_an_action_is_found_by_its_name() -> None:
    first, second = ladder(version=1), ladder(version=2)
    assert find_ladder((first, second), "example", 2) is second
    with pytest.raises(ArrearsError) as unknown:
        find_ladder((first, second), "example", 3)
    assert str(unknown.value) == (
        "Ladder example v3 is not known, and actions on record use it. Keep the file of every "
        "version that was ever in force."
    )
    with pytest.raises(ArrearsError, match="Ladder another v1 is not known"):
        find_ladder((first, second), "another", 1)


def test_an_item_is_found_by_its_name_and_a_missing_one_is_a_sentence() -> None:
    climbs = ladder()
    assert climbs.item("visit").id == "visit"
    with pytest.raises(ArrearsError) as missing:
        climbs.item("nothing")
    assert str(missing.value).startswith("example v1 has no item nothing, and actions on record")


def test_a_ladder_for_some_products_is_for_no_others() -> None:
    fitting = ladder(products=("consumer_loan",), jurisdictions=("US",))
    for jurisdiction, product, fits in (
        ("US-MA", "consumer_loan", True),
        ("US", "mortgage", False),
        ("CN", "consumer_loan", False),
    ):
        found = ladder_for(
            (fitting,), jurisdiction=jurisdiction, product=product, currency="CNY", on=TODAY
        )
        assert (found is fitting) is fits
