"""The facts of loans, read from the database as domain objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, text

from domain.actions import ActionStatus
from domain.compliance.contact_facts import PastContact
from domain.compliance.frequency_caps import LONGEST_WINDOW
from domain.compliance.vocabulary import Channel, Party
from domain.decision import PastAction
from domain.holds import Hold, HoldKind
from domain.loans import Instalment
from workers.db.prepared_statements import prepared
from workers.db.typed_rows import typed_rows


@dataclass(frozen=True, slots=True)
class StoredAction:
    """A recorded action, with its id."""

    id: int
    past: PastAction


@dataclass(frozen=True, slots=True)
class LoanFacts:
    """The facts of one loan that decisions and the gate are based on."""

    instalments: tuple[Instalment, ...]
    """The unpaid ones, up to the next due one; paid ones cannot change a decision."""
    holds: tuple[Hold, ...]
    actions: tuple[StoredAction, ...]
    reach: Reach
    written_off: bool = False
    case_open: bool = False
    has_problem: bool = False
    """Whether the loan has an open problem."""

    def has(self, status: ActionStatus) -> bool:
        """Whether any of its actions is in this status."""
        return any(stored.past.status is status for stored in self.actions)


@dataclass(frozen=True, slots=True)
class Reach:
    """How the borrower can be contacted, and was contacted before: facts for the contact gate."""

    zones: tuple[str, ...]
    locale: str
    reachable: frozenset[Channel]
    """The channels with a number or an address on record."""
    opted_out: frozenset[Channel]
    ceased: bool
    number: str | None
    """The blind index, equal for equal numbers."""
    number_invalid: bool
    at_work: bool
    history: tuple[PastContact, ...]
    """Contacts about all the borrower's loans, as far back as any rule counts."""
    first_contact_at: datetime | None
    """The first contact about this loan, at any time."""
    validation_notice_on: date | None
    limitation_from: date | None


HISTORY_READ = timedelta(days=LONGEST_WINDOW + 1)
"""How far back contacts are read: one day more than any cap, for zones ahead of the lender."""

Json: TypeAlias = dict[str, Any]


class _FactsRow(NamedTuple):
    """The columns of `_FACTS`. Lists are JSON, and None where there is nothing."""

    id: int
    written_off: bool
    case_open: bool
    has_problem: bool
    instalments: list[Json] | None
    holds: list[Json] | None
    actions: list[Json] | None
    opted_out: list[str] | None
    zones: list[str]
    locale: str
    has_phone: bool
    has_address: bool
    ceased: bool
    number: str | None
    number_invalid: bool
    at_work: bool
    history: list[Json] | None
    first_contact_at: datetime | None
    validation_notice_on: date | None
    limitation_from: date | None


# All facts of all loans of an envelope in one statement. Amounts are JSON strings, not numbers,
# which would be read as floats.
_FACTS = prepared(
    text("""
SELECT l.id, l.written_off_on IS NOT NULL AS written_off,
       -- Not EXISTS: PostgreSQL may hash all open cases for it, to find one.
       coalesce((SELECT true FROM collection_case k
                  WHERE k.loan_id = l.id AND k.closed_at IS NULL LIMIT 1), false) AS case_open,
       coalesce((SELECT true FROM problem p
                  WHERE p.loan_id = l.id AND p.resolved_at IS NULL LIMIT 1), false) AS has_problem,
       (SELECT json_agg(json_build_object('due_on', i.due_on, 'principal', i.principal::text,
                   'interest', i.interest::text, 'fees', i.fees::text,
                   'paid_principal', i.paid_principal::text,
                   'paid_interest', i.paid_interest::text, 'paid_fees', i.paid_fees::text))
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
       (SELECT json_agg(json_build_object('kind', h.kind, 'starts_on', h.starts_on,
                   'ends_on', h.ends_on))
          FROM hold h WHERE h.loan_id = l.id) AS holds,
       (SELECT json_agg(json_build_object('id', a.id, 'item', a.item, 'step', a.step,
                   'delinquent_since', a.delinquent_since, 'status', a.status,
                   'reported', a.status <> 'assigned' OR EXISTS (
                       SELECT FROM contact c JOIN contact_outcome o ON o.contact_id = c.id
                        WHERE c.action_id = a.id)))
          FROM action a WHERE a.loan_id = l.id) AS actions,
       -- An opt-out belongs to the telephone: it counts for all borrowers with the number.
       (SELECT json_agg(DISTINCT o.channel)
          FROM opt_out o
         WHERE o.borrower_id = ANY (ARRAY(
               SELECT l.borrower_id
               UNION SELECT x.id FROM borrower x WHERE x.phone_blind_index = b.phone_blind_index))
       ) AS opted_out,
       b.zones, b.locale, b.phone_encrypted IS NOT NULL AS has_phone,
       b.address_encrypted IS NOT NULL AS has_address, b.ceased_at IS NOT NULL AS ceased,
       encode(b.phone_blind_index, 'hex') AS number, b.phone_invalid_at IS NOT NULL AS
           number_invalid,
       b.phone_at_work AS at_work,
       -- Contacts that certainly reached nobody do not count: a text that was refused or not sent,
       -- a visit that was cancelled.
       (SELECT json_agg(json_build_object('at', extract(epoch FROM c.at), 'channel', c.channel,
                   'loan_id', c.loan_id, 'connected', o.connected,
                   'number', encode(c.number_blind_index, 'hex'), 'at_work', c.at_work,
                   'party', c.party) ORDER BY c.at)
          FROM contact c LEFT JOIN contact_outcome o ON o.contact_id = c.id
         WHERE c.borrower_id = l.borrower_id AND c.at > :counted_since
           AND NOT EXISTS (SELECT FROM message m
                            WHERE m.contact_id = c.id AND m.status IN ('not_sent', 'refused'))
           AND NOT EXISTS (SELECT FROM visit v
                            WHERE v.contact_id = c.id AND v.cancelled_at IS NOT NULL)
       ) AS history,
       (SELECT min(c.at) FROM contact c
         WHERE c.borrower_id = l.borrower_id AND c.loan_id = l.id) AS first_contact_at,
       l.validation_notice_on,
       greatest(l.acknowledged_on,
                (SELECT max(i.due_on) FROM instalment i WHERE i.loan_id = l.id)) AS limitation_from
  FROM loan l JOIN borrower b ON b.id = l.borrower_id
 WHERE l.id = ANY(:loan_ids)
""")
)


def load_facts(
    connection: Connection, loan_ids: Sequence[int], now: datetime
) -> dict[int, LoanFacts]:
    """The facts of these loans at `now`, in the lender's zone, by loan id. One statement."""
    values = {
        "loan_ids": list(loan_ids),
        "today": now.date(),
        "counted_since": now - HISTORY_READ,
    }
    rows = typed_rows(_FactsRow, connection.execute(_FACTS, values))
    return {
        row.id: LoanFacts(
            instalments=tuple(map(_instalment, row.instalments or ())),
            holds=tuple(map(_hold, row.holds or ())),
            actions=tuple(map(_action, row.actions or ())),
            reach=_reach(row),
            written_off=row.written_off,
            case_open=row.case_open,
            has_problem=row.has_problem,
        )
        for row in rows
    }


def _reach(row: _FactsRow) -> Reach:
    reachable = {Channel.LEGAL}
    if row.has_phone:
        reachable |= {Channel.SMS, Channel.CALL}
    if row.has_address:
        reachable.add(Channel.VISIT)
    return Reach(
        zones=tuple(row.zones),
        locale=row.locale,
        reachable=frozenset(reachable),
        opted_out=frozenset(map(Channel, row.opted_out or ())),
        ceased=row.ceased,
        number=row.number,
        number_invalid=row.number_invalid,
        at_work=row.at_work,
        history=tuple(map(_contact, row.history or ())),
        first_contact_at=row.first_contact_at,
        validation_notice_on=row.validation_notice_on,
        limitation_from=row.limitation_from,
    )


def _contact(row: Json) -> PastContact:
    return PastContact(
        at=datetime.fromtimestamp(row["at"], UTC),
        channel=Channel(row["channel"]),
        loan_id=row["loan_id"],
        connected=row["connected"],
        number=row["number"],
        at_work=row["at_work"],
        party=Party(row["party"]),
    )


def _instalment(row: Json) -> Instalment:
    return Instalment(
        due_on=date.fromisoformat(row["due_on"]),
        principal=Decimal(row["principal"]),
        interest=Decimal(row["interest"]),
        fees=Decimal(row["fees"]),
        paid_principal=Decimal(row["paid_principal"]),
        paid_interest=Decimal(row["paid_interest"]),
        paid_fees=Decimal(row["paid_fees"]),
    )


def _hold(row: Json) -> Hold:
    ends_on = row["ends_on"]
    return Hold(
        kind=HoldKind(row["kind"]),
        starts_on=date.fromisoformat(row["starts_on"]),
        ends_on=date.fromisoformat(ends_on) if ends_on else None,
    )


def _action(row: Json) -> StoredAction:
    past = PastAction(
        item=row["item"],
        step=row["step"],
        delinquent_since=date.fromisoformat(row["delinquent_since"]),
        status=ActionStatus(row["status"]),
        reported=row["reported"],
    )
    return StoredAction(row["id"], past)
