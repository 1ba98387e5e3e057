"""Where loans stand: what a decision about them is based on, read as domain objects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import TypeAdapter
from sqlalchemy import Connection, text

from domain.actions import ActionStatus
from domain.compliance.vocabulary import Party
from domain.holds import Hold
from domain.loans import Instalment
from domain.parties import LoanParty, contacted_parties
from domain.past_actions import PastAction
from workers.db.prepared_statements import prepared


@dataclass(frozen=True, slots=True)
class StoredAction:
    """A recorded action, with its id."""

    id: int
    past: PastAction


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanStanding:
    """Where one loan stands: all that a decision about it is based on."""

    jurisdiction: str
    product: str
    currency: str
    instalments: tuple[Instalment, ...]
    """The unpaid ones, up to the next due one; paid ones cannot change a decision."""
    holds: tuple[Hold, ...]
    actions: tuple[StoredAction, ...]
    parties: tuple[LoanParty, ...] = ()
    """Co-borrowers and guarantors, without records of the borrower's own person; each with what is
    true of that person alone."""
    party: Party = Party.BORROWER
    """Who is asked about. `holds` are those of the loan and of this person."""
    party_id: int | None = None
    """The row of the party; None: the borrower."""
    holds_of_borrower: tuple[Hold, ...] = ()
    """What is true of the borrower, where `party` is somebody else."""
    written_off: bool = False
    case_open: bool = False
    has_problem: bool = False
    """Whether the loan has an open problem."""

    def has(self, status: ActionStatus) -> bool:
        """Whether any of its actions is in this status."""
        return any(stored.past.status is status for stored in self.actions)

    def has_left(self, past: PastAction) -> bool:
        """Whether the person of an action is no party of the loan any more, or now has another role
        or a newer record than when it was planned."""
        return past.party is not None and not self.is_contacted(past.party)

    def is_contacted(self, party_id: int) -> bool:
        """Whether somebody is contacted about the loan as this other party."""
        return any(party.id == party_id for party in contacted_parties(self.parties).values())


_STANDING = TypeAdapter(LoanStanding)
"""Reads the columns of `STANDING`, and the JSON in them, as domain objects."""

# Of a loan `l`, the record `b` of whom it asks about, and all `joined` records of that person.
# Amounts are JSON strings, not numbers, which would be read as floats.
STANDING = """
       l.id, l.jurisdiction, l.product, l.currency, l.written_off_on IS NOT NULL AS written_off,
       -- Not EXISTS: PostgreSQL may hash all open cases for it, to find one.
       coalesce((SELECT true FROM collection_case k
                  WHERE k.loan_id = l.id AND k.closed_at IS NULL LIMIT 1), false) AS case_open,
       coalesce((SELECT true FROM problem p
                  WHERE p.loan_id = l.id AND p.resolved_at IS NULL LIMIT 1), false) AS has_problem,
       (SELECT coalesce(json_agg(json_build_object(
                   'due_on', i.due_on, 'counts_from', i.counts_from, 'principal', i.principal::text,
                   'interest', i.interest::text, 'fees', i.fees::text,
                   'paid_principal', i.paid_principal::text,
                   'paid_interest', i.paid_interest::text, 'paid_fees', i.paid_fees::text)), '[]')
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
       (SELECT coalesce(json_agg(json_build_object('kind', h.kind, 'starts_on', h.starts_on,
                   'ends_on', h.ends_on)), '[]')
          FROM hold h WHERE h.loan_id = l.id OR h.borrower_id = ANY(joined.records)) AS holds,
       (SELECT coalesce(json_agg(json_build_object('id', q.id, 'role', q.role,
                   'person', r.person_id,
                   'holds', (SELECT coalesce(json_agg(json_build_object('kind', h.kind,
                                        'starts_on', h.starts_on, 'ends_on', h.ends_on)), '[]')
                               FROM hold h JOIN borrower s ON s.id = h.borrower_id
                              WHERE s.person_id = r.person_id)) ORDER BY q.id), '[]')
          FROM loan_party q JOIN borrower r ON r.id = q.borrower_id
         WHERE q.loan_id = l.id AND q.ended_at IS NULL
           AND r.person_id <> (SELECT o.person_id FROM borrower o WHERE o.id = l.borrower_id)
       ) AS parties,
       (SELECT coalesce(json_agg(json_build_object('id', a.id, 'past', json_build_object(
                   'item', a.item, 'step', a.step,
                   'ladder_since', a.ladder_since, 'status', a.status,
                   'person', CASE WHEN a.party_id IS NOT NULL THEN (
                       SELECT r.person_id FROM loan_party q JOIN borrower r ON r.id = q.borrower_id
                        WHERE q.id = a.party_id) END,
                   'party', a.party_id, 'cause', a.cause, 'act_until', a.act_until,
                   'reported', CASE
                       WHEN a.status = 'assigned' THEN EXISTS (
                           SELECT FROM contact c JOIN contact_outcome o ON o.contact_id = c.id
                            WHERE c.action_id = a.id)
                       WHEN a.status = 'done' AND a.type = 'send_sms' THEN EXISTS (
                           SELECT FROM contact c JOIN message m ON m.contact_id = c.id
                            WHERE c.action_id = a.id
                              AND (m.status = 'delivered'
                                   OR (m.presumed_at IS NOT NULL
                                       AND m.status IN ('accepted', 'sent'))))
                       ELSE true END,
                   'open_call', CASE
                       WHEN a.status = 'assigned' AND a.type = 'assign_call' THEN (
                           SELECT json_build_object(
                                      'tries', count(o.contact_id),
                                      'is_kept', count(*) FILTER (
                                          WHERE o.contact_id IS NULL
                                            AND c.at > CAST(:today AS date) - interval '1 day') > 0
                                          OR coalesce((array_agg(o.callback_at IS NOT NULL
                                                                 ORDER BY c.id DESC))[1], false))
                             FROM contact c LEFT JOIN contact_outcome o ON o.contact_id = c.id
                            WHERE c.action_id = a.id) END,
                   'again_from', CASE WHEN a.status = 'undelivered' THEN a.due_at END,
                   'undelivered_to', CASE
                       WHEN a.status = 'undelivered' OR a.try_number > 1 THEN (
                           SELECT coalesce(json_agg(encode(c.number_blind_index, 'hex')), '[]')
                             FROM contact c JOIN message m ON m.contact_id = c.id
                            WHERE c.action_id = a.id AND c.number_blind_index IS NOT NULL
                              AND m.status IN ('undelivered', 'send_failed'))
                       ELSE '[]' END))), '[]')
          FROM action a WHERE a.loan_id = l.id) AS actions
"""
RECORDS_OF_PERSON = """
       -- All records of the person: what is known of one of them holds for all.
       CROSS JOIN LATERAL (SELECT array_agg(x.id) AS records FROM borrower x
                            WHERE x.person_id = b.person_id) joined
"""

_OF_LOANS = prepared(
    text(f"""
SELECT {STANDING}
  FROM loan l JOIN borrower b ON b.id = l.borrower_id
{RECORDS_OF_PERSON}
 WHERE l.id = ANY(:ids)
""")  # noqa: S608 put together from constants
)


def load_standings(
    connection: Connection, loan_ids: Sequence[int], today: date
) -> dict[int, LoanStanding]:
    """Where these loans stand on `today`, the lender's date, by loan id. One statement."""
    values = {"ids": list(loan_ids), "today": today}
    rows = connection.execute(_OF_LOANS, values).mappings()
    return {row["id"]: _STANDING.validate_python(dict(row)) for row in rows}
