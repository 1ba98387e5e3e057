"""What the store knows of loans, as the domain wants to hear it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, text

from domain.decision import PastAction
from domain.holds import Hold, HoldKind
from domain.loans import Instalment
from domain.statuses import ActionStatus


@dataclass(frozen=True, slots=True)
class StoredAction:
    """An action on record, with the key to move it."""

    id: int
    past: PastAction


@dataclass(frozen=True, slots=True)
class LoanFacts:
    """The rows about one loan that decisions and the gate rest on."""

    instalments: tuple[Instalment, ...]
    """Unpaid ones up to the next to fall due; paid ones cannot change a decision."""
    holds: tuple[Hold, ...]
    actions: tuple[StoredAction, ...]
    opted_out: tuple[str, ...]
    written_off: bool = False


# Everything about all the loans of an envelope in one statement. Amounts travel as text, so that
# no JSON number ever becomes a float.
_FACTS = text("""
SELECT l.id, l.written_off_on IS NOT NULL AS written_off,
       (SELECT json_agg(json_build_array(i.due_on,
                   i.principal::text, i.interest::text, i.fees::text,
                   i.paid_principal::text, i.paid_interest::text, i.paid_fees::text))
          FROM instalment i
         WHERE i.loan_id = l.id
           AND i.paid_principal + i.paid_interest + i.paid_fees < i.principal + i.interest + i.fees
           AND i.due_on <= coalesce(
                 (SELECT min(n.due_on)
                    FROM instalment n
                   WHERE n.loan_id = l.id AND n.due_on >= :today
                     AND n.paid_principal + n.paid_interest + n.paid_fees
                         < n.principal + n.interest + n.fees),
                 'infinity')) AS instalments,
       (SELECT json_agg(json_build_array(h.kind, h.starts_on, h.ends_on))
          FROM hold h WHERE h.loan_id = l.id) AS holds,
       (SELECT json_agg(json_build_array(a.id, a.item, a.step, a.anchor_on, a.status,
                   NOT EXISTS (SELECT FROM visit v WHERE v.action_id = a.id AND v.ends_at > :now)))
          FROM action a WHERE a.loan_id = l.id) AS actions,
       (SELECT json_agg(o.channel)
          FROM opt_out o WHERE o.borrower_id = l.borrower_id) AS opted_out
  FROM loan l
 WHERE l.id = ANY(:loan_ids)
""")


def load_facts(
    connection: Connection, loan_ids: Sequence[int], now: datetime
) -> dict[int, LoanFacts]:
    """The facts of these loans at `now`, in the lender's zone, by loan id. One statement."""
    values = {"loan_ids": list(loan_ids), "today": now.date(), "now": now}
    rows = connection.execute(_FACTS, values)
    return {
        row.id: LoanFacts(
            instalments=tuple(_instalment(*parts) for parts in row.instalments or ()),
            holds=tuple(_hold(*parts) for parts in row.holds or ()),
            actions=tuple(_action(*parts) for parts in row.actions or ()),
            opted_out=tuple(row.opted_out or ()),
            written_off=row.written_off,
        )
        for row in rows
    }


def _instalment(due_on: str, *amounts: str) -> Instalment:
    return Instalment(date.fromisoformat(due_on), *map(Decimal, amounts))


def _hold(kind: str, starts_on: str, ends_on: str | None) -> Hold:
    return Hold(
        HoldKind(kind),
        date.fromisoformat(starts_on),
        date.fromisoformat(ends_on) if ends_on else None,
    )


def _action(id: int, item: str, step: str, anchor_on: str, status: str, over: bool) -> StoredAction:
    past = PastAction(item, step, date.fromisoformat(anchor_on), ActionStatus(status), over)
    return StoredAction(id, past)
