"""The tables beside this file, line by line: what the articles say, and what the gate says."""

from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

import config
from config.readers.rule_packs import read_rule_pack
from config.readers.yaml_files import read_yaml
from domain.compliance.gate import may_contact
from domain.compliance.rules import RulePack
from domain.compliance.verdict import Verdict
from tests.domain.law.examples import TABLES, Example, facts_of, read_examples

SHIPPED = Path(config.__file__).parent / "rule_packs"
EXAMPLES = tuple(read_examples())
EACH_TABLE = pytest.mark.parametrize("table", sorted({example.table for example in EXAMPLES}))
"""A failure lists every line of its table that the gate answers otherwise."""


@cache
def packs() -> tuple[RulePack, ...]:
    """Those that ship, and two that are made up for what none of them asks."""
    paths = [*sorted(SHIPPED.glob("*.yaml")), *sorted((TABLES / "packs").glob("*.yaml"))]
    return tuple(read_rule_pack(read_yaml(path)) for path in paths)


def is_as_written(verdict: Verdict, example: Example) -> bool:
    if (verdict.permission, verdict.until) != (example.answer, example.until):
        return False
    if example.rule.startswith("warns "):
        warned = example.rule.removeprefix("warns ")
        return verdict.warnings == (() if warned == "nothing" else (warned,))
    if " or " in example.rule:
        return not set(example.rule.split(" or ")).isdisjoint(verdict.rules)
    return set(example.rule.split(" and ")) <= set(verdict.rules)


@EACH_TABLE
def test_the_gate_answers_as_the_article_says(table: str) -> None:
    wrong = [
        (str(example), example.because, verdict)
        for example in EXAMPLES
        if example.table == table
        and (verdict := may_contact(facts_of(example, packs()), example.channel, example.moment))
        and not is_as_written(verdict, example)
    ]
    assert wrong == []


@EACH_TABLE
def test_the_first_lawful_moment_is_lawful_and_the_minute_before_it_is_not(table: str) -> None:
    wrong = []
    for example in EXAMPLES:
        if example.table != table or (until := example.until) is None:
            continue
        facts, minute = facts_of(example, packs()), timedelta(minutes=1)
        then = may_contact(facts, example.channel, until)
        before = may_contact(facts, example.channel, until - minute)
        if (then.permission, before.permission, before.until) != ("allowed", "deferred", until):
            wrong.append((str(example), then, before))
    assert wrong == []


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
