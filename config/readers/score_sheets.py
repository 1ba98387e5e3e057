"""Reads `config/score_sheets/*.yaml`: how calls are judged that somebody hears again."""

from collections.abc import Collection
from datetime import time
from functools import partial

from config.readers.yaml_reader import PolicyError, Value
from domain.errors import text_of
from domain.quality import Sampling, ScoreSheet, SheetItem

KEYS = "id version effective_from effective_to jurisdictions pass_at sampling items source"


def read_score_sheet(document: Value) -> ScoreSheet:
    """Convert one file into a sheet. Whether its rules exist is asked of the whole policy.

    Raises:
        PolicyError: something in the file is wrong, with its line and what to write instead.
    """
    top = document.section(KEYS)
    effective_from, effective_to = top.effective()
    seen: dict[str, Value] = {}
    pass_at = top.need("pass_at")
    if (percent := pass_at.whole(at_least=0)) > 100:
        raise pass_at.wrong("Write percent, from 0 to 100.")
    return ScoreSheet(
        id=top.need("id").identifier(),
        version=top.need("version").whole(at_least=1),
        effective_from=effective_from,
        effective_to=effective_to,
        jurisdictions=top.entries("jurisdictions", Value.jurisdiction),
        pass_at=percent,
        sampling=_read_sampling(top.need("sampling")),
        items=top.entries("items", partial(_read_item, seen=seen)),
        source=top.need("source").text(),
    )


def _read_sampling(value: Value) -> Sampling:
    section = value.section("random of_each_risk late_from first_days")
    late = section.need("late_from")
    try:
        late_from = time.fromisoformat(late.text())
    except ValueError:
        raise late.wrong("Write an hour of the day, such as 19:00.") from None
    return Sampling(
        section.need("random").whole(at_least=0),
        section.need("of_each_risk").whole(at_least=0),
        late_from,
        section.need("first_days").whole(at_least=0),
    )


def _read_item(value: Value, seen: dict[str, Value]) -> SheetItem:
    entry = value.section("id critical weight rules text text_zh")
    name = entry.need("id")
    critical = entry.maybe("critical", Value.is_true)
    weight = entry.maybe("weight", partial(Value.whole, at_least=1))
    if bool(critical) == (weight is not None):
        raise value.refuse(
            "`{item}` needs a weight, or to be critical.",
            "Write either critical: true, or weight: and a number.",
            item=name.text(),
        )
    return SheetItem(
        id=name.unused(name.identifier(), seen, "There is an item {shown}", shown=name.shown),
        rules=entry.entries("rules", Value.text),
        text=entry.need("text").text(),
        text_zh=entry.need("text_zh").text(),
        weight=weight,
    )


def assert_rules_exist(value: Value, conduct: Collection[str]) -> None:
    """Check that each rule that an item of the sheet names is a conduct rule of some pack.

    Raises:
        PolicyError: one is not, or an item names none.
    """
    for item in value.pairs()["items"].values():
        for rule in item.pairs()["rules"].values():
            if rule.text() not in conduct:
                raise _unknown(rule)


def _unknown(rule: Value) -> PolicyError:
    return rule.refuse(
        "There is no conduct rule {shown} in the rule packs.",
        text_of("Name the rule that the item checks; `arrears rules` lists them."),
        shown=rule.shown,
    )
