"""The facts of loans, read from the database as domain objects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pydantic import SkipValidation, TypeAdapter
from sqlalchemy import Connection, Executable, RowMapping, text

from domain.compliance.contact_facts import Consent, Interruption, PastContact, Suspension
from domain.compliance.vocabulary import Channel, LimitationFact
from domain.contact_outcomes import ContactOutcome
from domain.contact_points import NumberFact, NumberOnRecord
from domain.fact_effects import LOOSENING
from domain.inconvenient import InconvenientPlace, InconvenientTime
from domain.parties import Representative
from domain.persons import PersonFact
from workers.db.loan_standing import RECORDS_OF_PERSON, STANDING, LoanStanding
from workers.db.parties import ACTS_NOW
from workers.db.past_contacts import CONTACTS_OF_PERSON, HISTORY_READ, ContactsOfPerson
from workers.db.prepared_statements import prepared
from workers.db.spoken_language import confirmed_with, spoken_language_of


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
    history: SkipValidation[tuple[PastContact, ...]]
    """Contacts about all the person's loans, as far back as any rule counts."""
    number_history: SkipValidation[tuple[PastContact, ...]]
    """Contacts with others, at the person's numbers, as far back."""
    first_contact_at: datetime | None
    """The first contact with the borrower about this loan, at any time."""
    validation_notice_on: date | None
    limitation_from: date | None
    interruptions: tuple[Interruption, ...]
    """Each time that the borrower paid, promised, acknowledged the debt or got a demand."""
    suspensions: tuple[Suspension, ...]
    representative: Representative | None = None
    """Who acts for the person about this loan, from records confirmed to be theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanFacts(LoanStanding):
    """Where one loan stands, and what the gate must know to let anybody be contacted about it."""

    reach: Reach
    """Of the borrower; or of the party, where `party` is one."""


_LOAN_FACTS = TypeAdapter(LoanFacts)
"""Reads the columns of `_FACTS`, and the JSON in them, as domain objects."""

# All facts of all loans of an envelope in one statement.
_SELECT = """
SELECT
-- the standing
       ,
       said.person_facts, said.consents, said.refused_channels,
       said.inconvenient_times, said.inconvenient_places, said.representative,
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
                                WHERE (r.contact_point_id = n.id
                                       -- or they wrote from a number that they had before
                                       OR r.borrower_id = b.id
                                          AND NOT EXISTS (
                                              SELECT FROM borrower_number y
                                               WHERE y.borrower_id = b.id
                                                 AND y.contact_point_id = r.contact_point_id))
                                  AND r.to_read AND r.handled_at IS NULL)) f))
                   ORDER BY x.position), '[]')
          FROM borrower_number x JOIN contact_point n ON n.id = x.contact_point_id
         WHERE x.borrower_id = b.id) AS numbers,
       (SELECT coalesce(json_agg(f.kind), '[]')
          FROM contact_point_fact f
         WHERE f.contact_point_id = b.address_point_id AND f.ended_at IS NULL) AS address_facts,
       p.certain, l.person_id, l.is_first_of_person,
       counted.contacts, counted.contacts_with_others, first.contacts AS first_contacts,
       l.validation_notice_on,
       (SELECT coalesce(json_agg(json_build_object('kind', x.kind, 'on', x.day,
                   'ended_on', x.ended_on, 'by_other', x.by <> ALL(p.records))), '[]')
          -- A payment is taken as one of the borrower.
          FROM (SELECT 'payment' AS kind, y.paid_on AS day, CAST(NULL AS date) AS ended_on,
                       l.borrower_id AS by
                  FROM payment y
                 WHERE y.loan_id = l.id AND y.reversed_on IS NULL
                 UNION ALL
                SELECT unnest(CASE y.proof WHEN 'signed'
                                   THEN ARRAY['acknowledgement', 'signed_acknowledgement']
                                   ELSE ARRAY['acknowledgement'] END), y.acknowledged_on, NULL,
                       y.borrower_id
                  FROM acknowledgement y WHERE y.loan_id = l.id AND y.taken_back_at IS NULL
                 UNION ALL
                -- Who withdraws a promise says whether it was made. What was recorded by mistake
                -- was not; and if nobody says so, it does not count.
                SELECT CASE y.status WHEN 'withdrawn' THEN 'withdrawn_promise' ELSE 'promise' END,
                       CAST(y.made_at AT TIME ZONE :zone AS date), NULL,
                       coalesce(y.borrower_id, l.borrower_id)
                  FROM promise y
                 WHERE y.loan_id = l.id AND coalesce(y.was_made, y.status <> 'withdrawn')
                 UNION ALL
                SELECT y.fact, y.starts_on, y.ends_on, l.borrower_id
                  FROM limitation_fact y
                 WHERE y.loan_id = l.id AND y.fact <> ALL(:suspending)
                   AND y.taken_back_at IS NULL
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
         WHERE y.loan_id = l.id AND y.fact = ANY(:suspending)
           AND y.taken_back_at IS NULL) AS suspensions,
       (SELECT max(coalesce(i.counts_from, i.due_on))
          FROM instalment i WHERE i.loan_id = l.id) AS limitation_from
-- of whom
-- records of the person
       -- Those that are confirmed to be one person with the record of the loan.
       CROSS JOIN LATERAL (
           SELECT joined.records,
                  CASE WHEN cardinality(joined.records) = 1 THEN joined.records
                       ELSE ARRAY(
                           -- confirmed records
                           ) END AS certain
           OFFSET 0) p  -- as it stands, or each use would evaluate it again
       -- What persons said: what loosens a limit counts only from a confirmed record.
       CROSS JOIN LATERAL (
           SELECT coalesce(json_agg(f.kind), '[]') AS person_facts,
                  coalesce(json_agg(json_build_object('to', replace(f.kind, 'agreed_', ''),
                               'since', f.since, 'until', f.until))
                           FILTER (WHERE f.kind = ANY(:loosening)), '[]') AS consents,
                  coalesce(json_agg(f.channel)
                           FILTER (WHERE f.kind = 'no_channel'), '[]') AS refused_channels,
                  coalesce(json_agg(f.times || jsonb_build_object(
                               'channel', f.channel, 'until', f.until))
                           FILTER (WHERE f.kind = 'inconvenient_time'), '[]') AS inconvenient_times,
                  coalesce(json_agg(json_build_object(
                               'place', f.place, 'channel', f.channel, 'until', f.until,
                               'number', encode(n.blind_index, 'hex')))
                           FILTER (WHERE f.kind = 'inconvenient_place'
                                     AND (f.place <> 'address'
                                          OR f.contact_point_id = b.address_point_id)),
                           '[]') AS inconvenient_places,
                  -- Who acts for the person: about this loan alone, or else about all of them.
                  (array_agg(json_build_object(
                           'id', q.id, 'kind', q.kind, 'contacted', q.contacted, 'zones', q.zones,
                           'inconvenient_times', wishes.times,
                           'inconvenient_places', wishes.places, 'locale', wishes.locale,
                           'number', CASE WHEN q.phone_blind_index IS NOT NULL THEN
                               json_build_object(
                                   'key', encode(q.phone_blind_index, 'hex'), 'facts', (
                                       SELECT coalesce(json_agg(k.kind), '[]')
                                         FROM contact_point o
                                              JOIN contact_point_fact k ON k.contact_point_id = o.id
                                        WHERE o.blind_index = q.phone_blind_index
                                          AND k.ended_at IS NULL)) END)
                       ORDER BY f.loan_id IS NULL, q.id DESC)
                       FILTER (WHERE q.id IS NOT NULL AND f.borrower_id = ANY(p.certain))
                  )[1] AS representative
             FROM person_fact f
                  LEFT JOIN contact_point n ON n.id = f.contact_point_id AND f.place = 'number'
                  LEFT JOIN representative q ON -- acts now
                        AND f.kind = 'represented'
                  -- What who has their number asked for, whomever they act for.
                  LEFT JOIN LATERAL (
                      SELECT coalesce(json_agg(w.times || jsonb_build_object(
                                          'channel', w.channel, 'until', w.until))
                                      FILTER (WHERE w.kind = 'inconvenient_time'), '[]') AS times,
                             coalesce(json_agg(json_build_object(
                                          'place', w.place, 'channel', w.channel,
                                          'until', w.until))
                                      FILTER (WHERE w.kind = 'inconvenient_place'), '[]') AS places,
                             max(w.locale) AS locale
                        FROM contact_point o JOIN representative_wish w ON w.contact_point_id = o.id
                       WHERE o.blind_index = q.phone_blind_index AND w.ended_at IS NULL
                  ) wishes ON q.id IS NOT NULL
            WHERE f.borrower_id = ANY(p.records) AND f.ended_at IS NULL
              AND (f.kind <> ALL(:loosening) OR f.borrower_id = ANY(p.certain))
              AND (f.loan_id IS NULL OR f.loan_id = l.id)) said
-- contacts
"""

# Of several loans of a person, the first one brings what is read once for all of them.
_OF_BORROWERS = """
  FROM (SELECT l.*, b.person_id,
               row_number() OVER (PARTITION BY b.person_id ORDER BY l.id) = 1 AS is_first_of_person
          FROM loan l JOIN borrower b ON b.id = l.borrower_id
         WHERE l.id = ANY(:ids)) l
       JOIN borrower b ON b.id = l.borrower_id
"""
_OF_PARTIES = """
       , l.party_id, l.party,
       (SELECT coalesce(json_agg(json_build_object('kind', h.kind, 'starts_on', h.starts_on,
                   'ends_on', h.ends_on)), '[]')
          FROM hold h JOIN borrower s ON s.id = h.borrower_id
               JOIN borrower o ON o.person_id = s.person_id
         WHERE o.id = l.borrower_id) AS holds_of_borrower
  FROM (SELECT l.*, b.person_id, own.id AS party_id, own.role AS party, own.borrower_id AS record,
               row_number() OVER (PARTITION BY b.person_id ORDER BY own.id) = 1
                   AS is_first_of_person
          FROM loan_party own JOIN loan l ON l.id = own.loan_id
               JOIN borrower b ON b.id = own.borrower_id
         WHERE own.id = ANY(:ids)) l
       JOIN borrower b ON b.id = l.record
"""


def _facts(of_whom: str) -> Executable:
    selected = _SELECT.replace("-- the standing", STANDING).replace("-- of whom", of_whom)
    selected = selected.replace("-- records of the person", RECORDS_OF_PERSON)
    selected = selected.replace(
        "-- the language", spoken_language_of("b", "p.records", "p.certain")
    )
    selected = selected.replace("-- confirmed records", confirmed_with("b"))
    selected = selected.replace("-- contacts", CONTACTS_OF_PERSON)
    selected = selected.replace("-- acts now", ACTS_NOW)
    return prepared(text(selected))


_FACTS = _facts(_OF_BORROWERS)
_FACTS_OF_PARTIES = _facts(_OF_PARTIES)


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
    rows = connection.execute(_FACTS, _values(loan_ids, now, at_number)).mappings().all()
    return {row["id"]: facts for row, facts in _read(rows)}


def load_party_facts(
    connection: Connection, party_ids: Sequence[int], now: datetime
) -> dict[int, LoanFacts]:
    """The same with the reach of these parties instead of the borrower, by the id of the party."""
    rows = connection.execute(_FACTS_OF_PARTIES, _values(party_ids, now)).mappings().all()
    return {row["party_id"]: facts for row, facts in _read(rows)}


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


def _read(rows: Sequence[RowMapping]) -> Iterator[tuple[RowMapping, LoanFacts]]:
    """The facts of each row. What all loans of a person share is read once."""
    contacts = {
        row["person_id"]: ContactsOfPerson.read(row) for row in rows if row["is_first_of_person"]
    }
    for row in rows:
        of_person = contacts[row["person_id"]]
        reach = {
            **row,
            "history": of_person.history(frozenset(row["certain"])),
            "number_history": of_person.with_others,
            "first_contact_at": of_person.first_about(row["id"]),
        }
        yield row, _LOAN_FACTS.validate_python({**row, "reach": reach})
