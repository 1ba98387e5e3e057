"""The tables beside this file, line by line: what the articles say, and what the gate says."""

from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

import config
from config.readers.rule_packs import read_rule_pack
from config.readers.yaml_reader import read_yaml
from domain.compliance.gate import may_contact
from domain.compliance.rules import RulePack
from tests.domain.law.examples import TABLES, Example, facts_of, read_examples

SHIPPED = Path(config.__file__).parent / "rule_packs"
EXAMPLES = tuple(read_examples())


@cache
def packs() -> tuple[RulePack, ...]:
    """Those that ship, and two that are made up for what none of them asks."""
    paths = [*sorted(SHIPPED.glob("*.yaml")), *sorted((TABLES / "packs").glob("*.yaml"))]
    return tuple(read_rule_pack(read_yaml(path)) for path in paths)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_the_gate_answers_as_the_article_says(example: Example) -> None:
    verdict = may_contact(facts_of(example, packs()), example.channel, example.moment)

    assert verdict.permission == example.answer, example.because
    assert verdict.until == example.until, example.because
    if example.rule.startswith("warns "):
        warned = example.rule.removeprefix("warns ")
        assert verdict.warnings == (() if warned == "nothing" else (warned,)), example.because
    elif " or " in example.rule:
        assert set(example.rule.split(" or ")) & set(verdict.rules), example.because
    else:
        assert set(example.rule.split(" and ")) <= set(verdict.rules), example.because


@pytest.mark.parametrize(
    "example", [example for example in EXAMPLES if example.first_lawful], ids=str
)
def test_the_first_lawful_moment_is_lawful_and_the_minute_before_it_is_not(
    example: Example,
) -> None:
    facts, until = facts_of(example, packs()), example.until
    assert until is not None
    assert may_contact(facts, example.channel, until).permission == "allowed"
    before = may_contact(facts, example.channel, until - timedelta(minutes=1))
    assert (before.permission, before.until) == ("deferred", until)


def test_there_are_examples_of_every_rule_that_decides() -> None:
    named_rules = " ".join(example.rule for example in EXAMPLES)
    decides = {
        rule.id
        for pack in packs()
        for rule in pack.rules
        if rule.channels and type(rule).__name__ != "Conduct" and rule.status == "in_force"
    }
    assert {id for id in decides if id not in named_rules} == set()
    assert len(EXAMPLES) >= 150
