"""What an installation sets is what the house does: from the environment to the store."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from config.environment import load_settings
from domain.loans import Instalment
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.loans import Book
from workers.bootstrap import build_context
from workers.db.schema import allocation
from workers.escalation.scan import Envelope, scan_portfolio

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
BY_INSTALMENT = {
    (MARCH, "fees"): 5,
    (MARCH, "interest"): 20,
    (MARCH, "principal"): 5,
}


@pytest.mark.parametrize(
    ("settings", "apply_allocations"),
    [
        ({}, BY_INSTALMENT),
        (
            {"ARREARS_ALLOCATION_BY": "component"},
            {(MARCH, "fees"): 5, (APRIL, "fees"): 5, (MARCH, "interest"): 20},
        ),
        (
            {"ARREARS_ALLOCATION_COMPONENTS": "principal,interest,fees"},
            {(MARCH, "principal"): 30},
        ),
        (
            {
                "ARREARS_ALLOCATION_BY": "component",
                "ARREARS_ALLOCATION_COMPONENTS": "interest,fees,principal",
            },
            {(MARCH, "interest"): 20, (APRIL, "interest"): 10},
        ),
    ],
    ids=["as shipped", "by component", "principal first", "interest first, by component"],
)
def test_a_payment_is_laid_in_the_order_that_is_set(
    engine: Engine,
    database_url: str,
    settings: dict[str, str],
    apply_allocations: dict[tuple[date, str], int],
) -> None:
    book = Book(engine)
    instalments = [Instalment(due, Decimal(80), Decimal(20), Decimal(5)) for due in (MARCH, APRIL)]
    book.loan("L-1", instalments=instalments)

    paid = arrears(
        an_environment(database_url) | settings,
        *(
            "payment",
            "record",
            "L-1",
            "30",
            "CNY",
            "--id",
            "P-1",
            "--paid-on",
            "2026-04-10",
        ),
    )

    assert paid.returncode == 0
    found = {(row.due_on, row.component): row.amount for row in book.rows(allocation)}
    assert found == apply_allocations


@pytest.mark.parametrize(
    ("settings", "sizes"), [({}, [1] * 16), ({"ARREARS_ENVELOPE": "7"}, [7, 7, 2])]
)
def test_the_scan_puts_as_many_loans_in_a_message_as_are_set(
    engine: Engine, database_url: str, settings: dict[str, str], sizes: list[int]
) -> None:
    book = Book(engine)
    for n in range(16):
        book.loan(f"L-{n}", due_on="2020-01-01")
    ctx = build_context(load_settings(an_environment(database_url) | settings))
    announced: list[Envelope] = []

    scan_portfolio(ctx, announced.extend)
    ctx.engine.dispose()

    assert [len(envelope.loan_ids) for envelope in announced] == sizes
