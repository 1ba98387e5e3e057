"""The facts of loans, read from the database as domain objects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Executable, RowMapping, text

from domain.actions import ActionStatus
from domain.compliance.contact_facts import Consent, Interruption, PastContact, Suspension
from domain.compliance.frequency_caps import LONGEST_WINDOW
from domain.compliance.vocabulary import Channel, LimitationFact, Party
from domain.contact_outcomes import ContactOutcome
from domain.contact_points import NumberFact, NumberOnRecord
from domain.decision import PastAction
from domain.fact_effects import LOOSENING
from domain.holds import Hold
from domain.inconvenient import InconvenientPlace, InconvenientTime
from domain.loans import Instalment
from domain.parties import LoanParty
from domain.persons import PersonFact
from workers.db.prepared_statements import prepared
from workers.db.spoken_language import confirmed_with, spoken_language_of


@dataclass(frozen=True, slots=True)
class StoredAction:
    """A recorded action, with its id."""

    id: int
    past: PastAction


@dataclass(frozen=True, slots=True)
class Reach:
    """How the borrower can be contacted, and was contacted before: facts for the contact gate."""

    zones: tuple[str, ...]
    locale: str
    """The language that the person speaks; that of the record, where nothing else is known."""
    reachable: frozenset[Channel]
    """The channels with a number or an address on record."""
    person_facts: frozenset[PersonFact]
    """Of the person, about this loan or about all of them."""
    consents: tuple[Consent, ...]
    """Of records that are confirmed to stand for the person."""
    inconvenient_times: tuple[InconvenientTime, ...]
    inconvenient_places: tuple[InconvenientPlace, ...]
    refused_channels: frozenset[Channel]
    """The channels by which the person asked not to be contacted."""
    numbers: tuple[NumberOnRecord, ...]
    """In the order in which they are tried. Their keys are the blind indexes, in hexadecimal."""
    address_facts: frozenset[NumberFact]
    history: tuple[PastContact, ...]
    """Contacts about all the person's loans, as far back as any rule counts."""
    number_history: tuple[PastContact, ...]
    """Contacts with others, at the number, as far back."""
    first_contact_at: datetime | None
    """The first contact with the borrower about this loan, at any time."""
    validation_notice_on: date | None
    limitation_from: date | None
    interruptions: tuple[Interruption, ...]
    """Each time that the borrower paid, promised, acknowledged the debt or got a demand."""
    suspensions: tuple[Suspension, ...]


@dataclass(frozen=True, slots=True)
class LoanFacts:
    """The facts of one loan that decisions and the gate are based on."""

    jurisdiction: str
    product: str
    currency: str
    instalments: tuple[Instalment, ...]
    """The unpaid ones, up to the next due one; paid ones cannot change a decision."""
    holds: tuple[Hold, ...]
    actions: tuple[StoredAction, ...]
    reach: Reach
    """Of the borrower; or of the party, where `party` is one."""
    parties: tuple[LoanParty, ...] = ()
    """Co-borrowers and guarantors who are another person than the borrower, each with what is true
    of that person alone."""
    party: Party = Party.BORROWER
    """Whose reach it is. `holds` are those of the loan and of this person."""
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
        """Whether the one whom an action is for is party to the loan no longer."""
        return past.person is not None and all(
            party.person != past.person for party in self.parties
        )


HISTORY_READ = timedelta(days=LONGEST_WINDOW + 1)
"""How far back contacts are read: one day more than any cap, for zones ahead of the lender."""

_LOAN_FACTS = TypeAdapter(LoanFacts)
"""Reads the columns of `_FACTS`, and the JSON in them, as domain objects."""

# All facts of all loans of an envelope in one statement. Amounts are JSON strings, not numbers,
# which would be read as floats.
_SELECT = """
SELECT l.id, l.jurisdiction, l.product, l.currency, l.written_off_on IS NOT NULL AS written_off,
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
          FROM hold h WHERE h.loan_id = l.id OR h.borrower_id = ANY(p.records)) AS holds,
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
                       ELSE true END))), '[]')
          FROM action a WHERE a.loan_id = l.id) AS actions,
       (SELECT coalesce(json_agg(f.kind), '[]')
          FROM person_fact f
         WHERE f.borrower_id = ANY(p.records) AND f.ended_at IS NULL
           AND (f.kind <> ALL(:loosening) OR f.borrower_id = ANY(p.certain))
           AND (f.loan_id IS NULL OR f.loan_id = l.id)) AS person_facts,
       (SELECT coalesce(json_agg(json_build_object('to', replace(f.kind, 'agreed_', ''),
                   'since', f.since, 'until', f.until)), '[]')
          FROM person_fact f
         WHERE f.borrower_id = ANY(p.certain) AND f.ended_at IS NULL
           AND f.kind = ANY(:loosening)
           AND (f.loan_id IS NULL OR f.loan_id = l.id)) AS consents,
       (SELECT coalesce(json_agg(f.channel), '[]')
          FROM person_fact f
         WHERE f.borrower_id = ANY(p.records) AND f.ended_at IS NULL
           AND f.kind = 'no_channel') AS refused_channels,
       (SELECT coalesce(json_agg(f.times || jsonb_build_object(
                   'channel', f.channel, 'until', f.until)), '[]')
          FROM person_fact f
         WHERE f.borrower_id = ANY(p.records) AND f.ended_at IS NULL
           AND f.kind = 'inconvenient_time') AS inconvenient_times,
       (SELECT coalesce(json_agg(json_build_object(
                   'place', f.place, 'channel', f.channel, 'until', f.until,
                   'number', (SELECT encode(n.blind_index, 'hex') FROM contact_point n
                               WHERE f.place = 'number' AND n.id = f.contact_point_id))), '[]')
          FROM person_fact f
         WHERE f.borrower_id = ANY(p.records) AND f.ended_at IS NULL
           AND f.kind = 'inconvenient_place'
           AND (f.place <> 'address' OR f.contact_point_id = b.address_point_id)
       ) AS inconvenient_places,
       b.zones,
-- the language
       AS locale,
       ARRAY['legal']
       || coalesce((SELECT ARRAY['sms', 'call'] FROM borrower_number x
                     WHERE x.borrower_id = b.id LIMIT 1), '{}')
       || CASE WHEN b.address_encrypted IS NOT NULL THEN ARRAY['visit'] ELSE '{}' END AS reachable,
       (SELECT coalesce(json_agg(json_build_object('key', encode(n.blind_index, 'hex'), 'facts', (
                   SELECT coalesce(json_agg(f.kind), '[]')
                     FROM (SELECT kind FROM contact_point_fact
                            WHERE contact_point_id = n.id AND ended_at IS NULL
                            UNION ALL
                           SELECT 'has_extension' WHERE n.kind = 'extension'
                            UNION ALL
                           SELECT 'unread_reply' WHERE EXISTS (
                               SELECT FROM reply r
                                WHERE r.contact_point_id = n.id AND r.to_read
                                  AND r.handled_at IS NULL)) f))
                   ORDER BY x.position), '[]')
          FROM borrower_number x JOIN contact_point n ON n.id = x.contact_point_id
         WHERE x.borrower_id = b.id) AS numbers,
       (SELECT coalesce(json_agg(f.kind), '[]')
          FROM contact_point_fact f
         WHERE f.contact_point_id = b.address_point_id AND f.ended_at IS NULL) AS address_facts,
       counted.history, counted.number_history,
       -- A question to somebody else is no contact with the borrower.
       (SELECT min(c.at) FROM contact c
         WHERE c.borrower_id = ANY(p.records) AND c.loan_id = l.id
           AND (c.purpose IS DISTINCT FROM 'locate'
                OR EXISTS (SELECT FROM contact_outcome o
                            WHERE o.contact_id = c.id AND o.outcome = ANY(:with_borrower)))
       ) AS first_contact_at,
       l.validation_notice_on,
       (SELECT coalesce(json_agg(json_build_object('kind', x.kind, 'on', x.day,
                   'ended_on', x.ended_on, 'by_other', x.by <> ALL(p.records))), '[]')
          -- A payment and a promise are taken as those of the borrower.
          FROM (SELECT 'payment' AS kind, y.paid_on AS day, CAST(NULL AS date) AS ended_on,
                       l.borrower_id AS by
                  FROM payment y
                 WHERE y.loan_id = l.id AND y.reversed_on IS NULL
                 UNION ALL
                SELECT unnest(CASE y.proof WHEN 'signed'
                                   THEN ARRAY['acknowledgement', 'signed_acknowledgement']
                                   ELSE ARRAY['acknowledgement'] END), y.acknowledged_on, NULL,
                       y.borrower_id
                  FROM acknowledgement y WHERE y.loan_id = l.id
                 UNION ALL
                SELECT 'promise', CAST(y.made_at AT TIME ZONE :zone AS date), NULL, l.borrower_id
                  FROM promise y
                 WHERE y.loan_id = l.id
                 UNION ALL
                SELECT y.fact, y.starts_on, y.ends_on, l.borrower_id
                  FROM limitation_fact y
                 WHERE y.loan_id = l.id AND y.fact <> ALL(:suspending)
                 UNION ALL
                -- Only what was delivered: what is presumed proves nothing.
                SELECT 'delivered_demand', CAST(m.changed_at AT TIME ZONE :zone AS date), NULL,
                       a.recipient
                  FROM (SELECT k.id, coalesce(q.borrower_id, l.borrower_id) AS recipient
                          FROM action k LEFT JOIN loan_party q ON q.id = k.party_id
                         WHERE k.loan_id = l.id) a JOIN contact c ON c.action_id = a.id
                       JOIN message m ON m.contact_id = c.id
                 WHERE m.status = 'delivered') x) AS interruptions,
       (SELECT coalesce(json_agg(json_build_object('kind', y.fact, 'starts_on', y.starts_on,
                   'ends_on', y.ends_on)), '[]')
          FROM limitation_fact y
         WHERE y.loan_id = l.id AND y.fact = ANY(:suspending)) AS suspensions,
       (SELECT max(coalesce(i.counts_from, i.due_on))
          FROM instalment i WHERE i.loan_id = l.id) AS limitation_from
-- of whom
       -- All records of the person: what is known of one of them holds for all.
       CROSS JOIN LATERAL (SELECT array_agg(x.id) AS records FROM borrower x
                            WHERE x.person_id = b.person_id) joined
       -- Those that are confirmed to be one person with the record of the loan.
       CROSS JOIN LATERAL (
           SELECT joined.records,
                  CASE WHEN cardinality(joined.records) = 1 THEN joined.records
                       ELSE ARRAY(
                           -- confirmed records
                           ) END AS certain) p
       CROSS JOIN LATERAL (
           SELECT coalesce(json_agg(x.counts ORDER BY x.at) FILTER (WHERE x.of_person), '[]')
                      AS history,
                  coalesce(json_agg(x.counts ORDER BY x.at) FILTER (WHERE NOT x.of_person), '[]')
                      AS number_history
             FROM (SELECT c.at, c.of_person,
                          json_build_object('at', c.at, 'channel', c.channel,
                              'loan_id', c.loan_id, 'connected', o.connected,
                              'number', encode(c.number_blind_index, 'hex'),
                              'at_work', c.at_work, 'party', c.party,
                              'purpose', coalesce(c.purpose, 'collect'),
                              'inbound', c.inbound IS TRUE, 'outcome', o.outcome,
                              'callback_at', o.callback_at,
                              'certain', c.borrower_id = ANY(p.certain),
                              'also_about', coalesce(c.also_loan_ids, '{}')
                                  || coalesce(o.also_loan_ids, '{}')
                                  || ARRAY(SELECT y.loan_id FROM contact y
                                            WHERE y.part_of = c.id)) AS counts
                     FROM (-- A contact about several loans is one contact, unless its first loan
                           -- is another's.
                           SELECT true AS of_person, k.* FROM contact k
                            WHERE k.borrower_id = ANY(p.records) AND k.at > :counted_since
                              AND NOT EXISTS (SELECT FROM contact f
                                               WHERE f.id = k.part_of
                                                 AND f.borrower_id = ANY(p.records))
                            UNION ALL
                           -- With others, at a number: each once, and none that is above.
                           SELECT false, k.* FROM contact k
                            WHERE k.number_blind_index = ANY(
                                      CASE WHEN CAST(:at_number AS bytea) IS NOT NULL
                                           THEN ARRAY[CAST(:at_number AS bytea)]
                                           ELSE ARRAY(
                                               SELECT n.blind_index
                                                 FROM borrower_number y
                                                 JOIN contact_point n ON n.id = y.contact_point_id
                                                WHERE y.borrower_id = b.id) END)
                              AND k.at > :counted_since
                              AND k.borrower_id <> ALL(p.records) AND k.part_of IS NULL
                              AND NOT EXISTS (SELECT FROM contact f
                                               WHERE f.part_of = k.id
                                                 AND f.borrower_id = ANY(p.records))) c
                          LEFT JOIN contact_outcome o ON o.contact_id = c.id
                    -- Contacts that certainly reached nobody do not count: a text that was refused
                    -- or not sent, a visit that was cancelled.
                    WHERE NOT EXISTS (SELECT FROM message m
                                       WHERE m.contact_id = c.id
                                         AND m.status IN ('not_sent', 'refused'))
                      AND NOT EXISTS (SELECT FROM visit v
                                       WHERE v.contact_id = c.id
                                         AND v.cancelled_at IS NOT NULL)) x) counted
"""

_OF_BORROWERS = """
  FROM loan l JOIN borrower b ON b.id = l.borrower_id
"""
_OF_PARTIES = """
       , own.id AS party_id, own.role AS party,
       (SELECT coalesce(json_agg(json_build_object('kind', h.kind, 'starts_on', h.starts_on,
                   'ends_on', h.ends_on)), '[]')
          FROM hold h JOIN borrower s ON s.id = h.borrower_id
               JOIN borrower o ON o.person_id = s.person_id
         WHERE o.id = l.borrower_id) AS holds_of_borrower
  FROM loan_party own JOIN loan l ON l.id = own.loan_id
       JOIN borrower b ON b.id = own.borrower_id
"""


def _facts(of_whom: str, which: str) -> Executable:
    selected = _SELECT.replace("-- of whom", of_whom)
    selected = selected.replace("-- the language", spoken_language_of("b"))
    selected = selected.replace("-- confirmed records", confirmed_with("b"))
    return prepared(text(f"{selected} WHERE {which}"))


_FACTS = _facts(_OF_BORROWERS, "l.id = ANY(:ids)")
_FACTS_OF_PARTIES = _facts(_OF_PARTIES, "own.id = ANY(:ids)")


def load_facts(
    connection: Connection,
    loan_ids: Sequence[int],
    now: datetime,
    *,
    at_number: bytes | None = None,
) -> dict[int, LoanFacts]:
    """The facts of these loans and their borrowers at `now`, in the lender's zone, by loan id. One
    statement.

    `at_number` is the blind index of the number that would be used; None: the borrower's own. It
    decides which contacts with others are `number_history`, and nothing else.
    """
    rows = connection.execute(_FACTS, _values(loan_ids, now, at_number)).mappings()
    return {row["id"]: _read(row) for row in rows}


def load_party_facts(
    connection: Connection, party_ids: Sequence[int], now: datetime
) -> dict[int, LoanFacts]:
    """The same with the reach of these parties instead of the borrower, by the id of the party."""
    rows = connection.execute(_FACTS_OF_PARTIES, _values(party_ids, now)).mappings()
    return {row["party_id"]: _read(row) for row in rows}


def _values(ids: Sequence[int], now: datetime, at_number: bytes | None = None) -> dict[str, Any]:
    return {
        "ids": list(ids),
        "today": now.date(),
        "counted_since": now - HISTORY_READ,
        "zone": str(now.tzinfo),
        "at_number": at_number,
        "with_borrower": [str(outcome) for outcome in ContactOutcome if outcome.with_borrower],
        "loosening": [str(fact) for fact in sorted(LOOSENING)],
        "suspending": [str(fact) for fact in LimitationFact if fact.suspends],
    }


def _read(row: RowMapping) -> LoanFacts:
    return _LOAN_FACTS.validate_python({**row, "reach": dict(row)})
