"""The end state of a scenario: what every run must come to, wherever a worker was lost in it.

Moments, attempts and the ids of providers differ from run to run and are left out.
"""

from typing import Any

from sqlalchemy import Connection, Select, func, select

from domain.messages import MessageStatus
from workers.db.schema import (
    action,
    arrangement,
    call,
    collection_case,
    dispute,
    document,
    hold,
    inbox_event,
    instalment,
    legal_file,
    loan,
    message,
    outbox_event,
    payment,
    problem,
    promise,
    receipt,
    reply,
    visit,
)

End = dict[str, list[tuple[Any, ...]]]
"""The rows of each table, sorted."""

_OF_A_LOAN = {
    action: ("ladder_since", "item", "status"),
    collection_case: ("opened_on", "closed_because"),
    arrangement: ("external_id", "status", "ended_by"),
    call: ("purpose",),
    visit: ("starts_at", "ends_at"),
    document: ("kind",),
    legal_file: ("principal", "interest", "fees"),
    hold: ("external_id", "kind", "starts_on", "ends_on"),
    promise: ("external_id", "amount", "status"),
    dispute: ("external_id", "status", "clock"),
    problem: ("kind",),
    payment: ("external_id", "amount", "reversed_on"),
    instalment: ("due_on", "paid_principal", "paid_interest"),
    outbox_event: ("kind", "status"),
    reply: ("kind", "staff_id"),
}


def end_state(connection: Connection) -> End:
    """What is on record, as it must be after every run."""
    questions: dict[str, Select[Any]] = {
        table.name: select(loan.c.external_id, *(table.c[name] for name in columns)).join(
            loan, loan.c.id == table.c.loan_id
        )
        for table, columns in _OF_A_LOAN.items()
    }
    questions["inbox_event"] = select(inbox_event.c.kind, inbox_event.c.status, func.count())
    questions["inbox_event"] = questions["inbox_event"].group_by(
        inbox_event.c.kind, inbox_event.c.status
    )
    # A text that a person found to have never gone out stays on record beside the one that did.
    questions["message"] = (
        select(loan.c.external_id, action.c.item, message.c.status, message.c.sid.is_not(None))
        .select_from(message.join(action, action.c.id == message.c.action_id))
        .join(loan, loan.c.id == action.c.loan_id)
        .where(message.c.status != MessageStatus.NOT_SENT)
    )
    questions["receipt"] = select(receipt.c.status, func.count()).group_by(receipt.c.status)
    questions["loan"] = select(loan.c.external_id, loan.c.review_on, loan.c.ladder_since)
    return {
        name: sorted(tuple(map(str, row)) for row in connection.execute(question))
        for name, question in questions.items()
    }
