"""A rule pack may say what a payment pays first; that counts before the settings."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine

from config.readers.yaml_reader import PolicyError
from domain.compliance.rules import Confidence, Source, pack_of_allocation
from domain.loans import Component, Instalment
from tests.config.test_rule_packs import SMALL, read, shipped
from tests.support.events import pay, reverse
from tests.support.loans import Book
from tests.workers.tapes.test_import_tape import bring_in, row
from workers.db.schema import allocation

FEES, INTEREST, PRINCIPAL = Component.FEES, Component.INTEREST, Component.PRINCIPAL


@pytest.fixture
def book(engine: Engine) -> Book:
    """A book under a law by which principal is paid first."""
    book = Book(engine, now="2026-03-10 10:00")
    packs = tuple(
        replace(pack, allocation=(PRINCIPAL, INTEREST, FEES)) if pack.id == "cn" else pack
        for pack in book.ctx.policy.rule_packs
    )
    book.ctx = replace(book.ctx, policy=replace(book.ctx.policy, rule_packs=packs))
    return book


def paid_parts(book: Book) -> dict[str, Decimal]:
    return {row.component: row.amount for row in book.rows(allocation)}


def test_a_payment_pays_first_what_the_law_says(book: Book) -> None:
    book.loan("L-1", instalments=[Instalment(book.ctx.today(), Decimal(80), Decimal(20))])

    pay(book, "90")

    assert paid_parts(book) == {"principal": 80, "interest": 10}


def test_so_does_one_on_top_of_a_tape(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, row("L-1"))
    pay(book, "90")

    bring_in(book, tmp_path, row("L-1", paid="1.00"))

    assert paid_parts(book) == {"principal": 90}


def test_and_what_is_left_over_once_something_is_owed_again(book: Book) -> None:
    book.loan("L-1", instalments=[Instalment(book.ctx.today(), Decimal(80), Decimal(20))])
    pay(book, "100", id="P-1")
    pay(book, "70", id="P-2")

    reverse(book, "P-1")

    later = [row.component for row in book.rows(allocation) if row.amount == 70]
    assert later == ["principal"]


def test_the_subdivision_counts_before_the_country_and_that_before_the_lender() -> None:
    us, here, lender = (FEES, PRINCIPAL, INTEREST), (PRINCIPAL, FEES, INTEREST), (INTEREST,)
    said = {"US": us, "US-MA": here, "*": lender}
    packs = tuple(replace(pack, allocation=said.get(pack.jurisdiction, ())) for pack in shipped())

    asked = ("US-MA", "US-WA", "IN")
    found = [pack_of_allocation(packs, place) for place in asked]
    assert [pack and pack.allocation for pack in found] == [here, us, lender]
    assert pack_of_allocation(shipped(), "US") is None


def test_an_order_of_the_contract_counts_where_the_law_lets_it(book: Book) -> None:
    """Civil Code of the PRC, art. 561: unless the parties agreed otherwise."""
    (law,) = [pack for pack in shipped() if pack.id == "cn"]
    assert (law.allocation, law.allocation_unless_agreed) == ((FEES, INTEREST, PRINCIPAL), True)
    assert law.allocation_source
    assert law.allocation_source.confidence is Confidence.PRIMARY
    policy = replace(book.ctx.policy, rule_packs=(law,))
    agreed = book.ctx.settings.model_copy(
        update={"allocation_components": [PRINCIPAL, FEES, INTEREST]}
    )
    for settings, first in ((book.ctx.settings, FEES), (agreed, PRINCIPAL)):
        ctx = replace(book.ctx, policy=policy, settings=settings)
        assert ctx.allocation_order("CN").components[0] is first
    strict = replace(law, allocation_unless_agreed=False)
    ctx = replace(book.ctx, policy=replace(policy, rule_packs=(strict,)), settings=agreed)
    assert ctx.allocation_order("CN").components[0] is FEES


@pytest.mark.parametrize("written", ["[fees, interest]", "[fees, fees, principal]"])
def test_an_order_that_leaves_something_out_is_refused(tmp_path: Path, written: str) -> None:
    with pytest.raises(PolicyError, match="does not name every component once"):
        read(tmp_path, SMALL.replace("rules:", f"allocation: {written}\nrules:", 1))


def test_an_order_is_read(tmp_path: Path) -> None:
    pack = read(
        tmp_path,
        SMALL.replace("rules:", "allocation: [principal, fees, interest]\nrules:", 1),
    )

    assert pack.allocation == (PRINCIPAL, FEES, INTEREST)
    section = "{order: [fees, interest, principal], agreed: counts, citation: A law, confidence: V}"
    cited = read(tmp_path, SMALL.replace("rules:", f"allocation: {section}\nrules:", 1))
    assert (cited.allocation, cited.allocation_unless_agreed) == ((FEES, INTEREST, PRINCIPAL), True)
    assert cited.allocation_source == Source("A law", Confidence.PRIMARY)
