"""What came of the day, seen from outside: the provider's own log against what was owed.

Nothing here is shared with the code that sends. Of the store only two questions are asked, in
plain SQL: which texts wait for a person, and which were given up visibly.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from tests.chaos.book import OneLoan

_TEXTS = """
SELECT l.external_id FROM action a JOIN loan l ON l.id = a.loan_id
 WHERE a.type = 'send_sms' AND {condition}
"""
_PARKED = _TEXTS.format(
    condition="a.status = 'unknown' AND EXISTS"
    " (SELECT 1 FROM message m WHERE m.action_id = a.id AND m.status = 'parked')"
)
_DEAD = _TEXTS.format(condition="a.status = 'dead'")
_UNFINISHED = (
    "SELECT count(*) FROM action WHERE type = 'send_sms'"
    " AND (status IN ('planned', 'deferred', 'failed', 'claimed') OR status = 'unknown' AND"
    " NOT EXISTS (SELECT 1 FROM message m WHERE m.action_id = action.id AND m.status = 'parked'))"
)
_UNREVIEWED = "SELECT count(*) FROM loan WHERE review_on <= :today"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The day in figures."""

    sends_owed: int
    accepted_by_provider: int
    """Texts in the provider's log, those beyond one for a loan among them."""
    duplicates: int
    """Texts beyond one for a loan, and texts that nobody was owed."""
    lost: int
    """Owed, and neither with the provider nor waiting for a person nor visibly given up."""
    unknown_parked: int
    """Waiting for a person, and not with the provider."""
    sending_holds: int
    """Times that sending was stopped: nothing that breaks here is a reason for it."""

    @property
    def good(self) -> bool:
        return not (self.duplicates or self.lost or self.sending_holds)


def give_verdict(book: Sequence[OneLoan], log: Path, connection: Connection) -> Verdict:
    """What the provider accepted, against what the book owed."""
    accepted = texts_by_number(log)
    owed = {fake_loan.number for fake_loan in book if fake_loan.owed}
    by_name = {f"L-{n:06d}": fake_loan.number for n, fake_loan in enumerate(book)}
    parked = {by_name[name] for name in connection.scalars(text(_PARKED))}
    dead = {by_name[name] for name in connection.scalars(text(_DEAD))}
    return Verdict(
        sends_owed=len(owed),
        accepted_by_provider=accepted.total(),
        duplicates=accepted.total() - len(accepted.keys() & owed),
        lost=len(owed - accepted.keys() - parked - dead),
        unknown_parked=len(parked & owed - accepted.keys()),
        sending_holds=connection.execute(text("SELECT count(*) FROM sending_hold")).scalar_one(),
    )


def texts_by_number(log: Path) -> Counter[str]:
    """How many texts each number got, as the provider wrote it down.

    A line without an end is being written this moment: it counts when it is read next.
    """
    if not log.exists():
        return Counter()
    with log.open(encoding="utf-8") as lines:
        return Counter(json.loads(line)["to"] for line in lines if line.endswith("\n"))


def unfinished(connection: Connection, today: str) -> int:
    """Loans to review and texts on their way: while there are some, the day is not over."""
    unreviewed: int = connection.execute(text(_UNREVIEWED), {"today": today}).scalar_one()
    texts: int = connection.execute(text(_UNFINISHED)).scalar_one()
    return unreviewed + texts
