"""After facts changed: call off what they made needless, and set when to look next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from domain.arrears import Arrears, arrears_on
from domain.decision import Snapshot, next_review
from domain.statuses import WAITING, ActionStatus
from workers.store.actions import Move, ask_again, move_actions
from workers.store.appointments import call_off_appointments
from workers.store.cases import keep_cases
from workers.store.facts import load_facts
from workers.store.positions import Position, set_positions


def reassess(connection: Connection, loan_ids: Sequence[int], now: datetime) -> dict[int, Arrears]:
    """Bring loans in line with facts that changed in this same transaction.

    `now` is in the lender's zone. What waits for arrears that are paid is called off, cases of
    cured loans are closed, review dates are set anew, and actions that waited for a fact ask the
    gate again. A fixed number of statements for any number of loans. Returns where each stands.
    """
    today = now.date()
    facts = load_facts(connection, loan_ids, now)
    arrears = {id: arrears_on(fact.instalments, today) for id, fact in facts.items()}
    cured: list[int] = []
    superseded: list[int] = []
    for id, fact in facts.items():
        needless = [
            stored.id
            for stored in fact.actions
            if stored.past.status in WAITING and stored.past.anchor != arrears[id].anchor
        ]
        (superseded if arrears[id].past_due else cured).extend(needless)
    if cured:
        move_actions(connection, cured, Move(ActionStatus.CANCELLED, "cured"), now)
    if superseded:
        move_actions(connection, superseded, Move(ActionStatus.CANCELLED, "superseded"), now)
    keep_cases(connection, cured=[id for id in arrears if not arrears[id].past_due], now=now)
    positions = [
        Position(
            id,
            anchor_on=arrears[id].anchor,
            review_on=next_review(Snapshot(id, fact.instalments, fact.holds), now),
        )
        for id, fact in facts.items()
    ]
    set_positions(connection, positions, now)
    call_off_appointments(connection, list(facts), now)
    ask_again(connection, list(facts), now)
    return arrears
