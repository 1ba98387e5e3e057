"""On the days of each sample book something of every kind of policy counts."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from config.readers.in_force import none_in_force
from config.readers.policy import Policy
from domain.compliance.answer_period import answer_terms
from domain.compliance.rules import packs_for
from domain.compliance.vocabulary import Collects
from domain.disputes import Matter
from tests.support.loans import shipped_policy
from workers.simulator.demo.books import BOOKS, DemoBook


@pytest.fixture(scope="module")
def policy() -> Policy:
    return shipped_policy()


@pytest.mark.parametrize("book", BOOKS.values(), ids=BOOKS)
def test_every_policy_counts_on_the_first_day_of_each_demo(policy: Policy, book: DemoBook) -> None:
    first = book.morning.date()
    assert none_in_force(policy, first) == ()
    # Of its own jurisdiction, too.
    own = {"us": "US", "cn": "CN"}[book.name]
    for documents in (policy.ladders, policy.promises, policy.arrangements):
        assert any(
            own in each.applies_to.jurisdictions and each.effective_from <= first
            for each in documents
        )
    assert any(s.is_for(own) and s.effective_from <= first for s in policy.score_sheets)
    packs = packs_for(policy.rule_packs, own)
    for matter in Matter:
        terms = answer_terms(packs, {Collects.FIRST_PARTY}, matter, "other", book.morning)
        assert terms.acknowledge_by is not None, "nobody is answered by None"
        assert terms.answer_by is not None


def test_what_counts_on_no_day_is_named_by_its_folder(policy: Policy) -> None:
    long_ago = date(2011, 12, 31)
    assert "buckets" in none_in_force(policy, long_ago)
    assert none_in_force(replace(policy, buckets=()), long_ago).count("buckets") == 0, "has none"
    over = replace(policy.buckets[0], effective_to=date(2025, 12, 31))
    after = over.effective_to + timedelta(days=1) if over.effective_to else long_ago
    assert none_in_force(replace(policy, buckets=(over,)), after) == ("buckets",)
