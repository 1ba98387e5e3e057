"""What a ladder's file says of its items, as it is written. No code of Arrears."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from tests.oracle.days import ladder_file


@cache
def follow_ups(ladder: str) -> Mapping[str, dict[str, Any]]:
    """By item, what a ladder's file says of follow-ups."""
    return {each["item"]: each for each in ladder_file(ladder).get("follow_ups", ())}


@cache
def _steps(ladder: str) -> tuple[dict[str, Any], ...]:
    return tuple(step for step in ladder_file(ladder)["steps"] if "items" in step)


def days_of_step(ladder: str, item: str) -> tuple[int, int]:
    """The first and the last day of the step that an item belongs to."""
    step = next(s for s in _steps(ladder) if any(each["item"] == item for each in s["items"]))
    first, _, last = str(step["days"]).partition("-")
    return int(first), int(last or (first if "-" not in str(step["days"]) else 10_000))


def tries_of_item(ladder: str, item: str) -> dict[str, Any] | None:
    """How often an item is tried, if the ladder's file says so."""
    items = (each for step in _steps(ladder) for each in step["items"])
    return next((each.get("tries") for each in items if each["item"] == item), None)


@cache
def item_of_template(ladder: str, template: str) -> str:
    """The item that a text belongs to."""
    everything = [each for step in _steps(ladder) for each in step["items"]]
    everything += follow_ups(ladder).values()
    return next(
        str(each["item"])
        for each in everything
        if each.get("template") == template and each["do"] == "send_sms"
    )
