"""Who is contacted instead of a person for whom somebody acts. No code of Arrears."""

from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.log import Acting, Life
from tests.oracle.packs import in_force, rules_of


def called_instead(life: Life, channel: str, loan: int, at: datetime) -> Acting | None:
    """Who is called instead; None: nobody, and then the person is not contacted either.

    They are called, and nothing else. They must not have said that they want none of it, and every
    law that says anything of such a representative must let them be contacted.
    """
    acting = life.acting_at(loan, at)
    if acting is None or channel != "call" or not acting.contacted:
        return None
    today = at.astimezone(ZoneInfo(life.lender_zone)).date()
    said = [
        rule["contacted"] == "instead"
        for rule in _rules(life.jurisdiction)
        if acting.kind in rule["who"] and in_force(rule, today)
    ]
    return acting if said and all(said) else None


@cache
def _rules(jurisdiction: str) -> tuple[dict[str, Any], ...]:
    return tuple(rule for rule, _ in rules_of(jurisdiction) if rule["kind"] == "representatives")
