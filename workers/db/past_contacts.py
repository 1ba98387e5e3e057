"""The contacts that count for a person, read once for all loans of the person."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter
from sqlalchemy import RowMapping

from domain.compliance.contact_facts import PastContact
from domain.compliance.frequency_caps import LONGEST_WINDOW

HISTORY_READ = timedelta(days=LONGEST_WINDOW + 1)
"""How far back contacts are read: one day more than any cap, for zones ahead of the lender."""


@dataclass(frozen=True, slots=True)
class _StoredContact:
    record: int
    """The record with which it was."""
    past: PastContact


_CONTACTS = TypeAdapter(tuple[_StoredContact, ...])
_FIRST = TypeAdapter(dict[int, datetime])


@dataclass(slots=True)
class ContactsOfPerson:
    """The contacts with one person, and those with others at the person's numbers.

    All loans of the person share them: they are the same objects, not copies.
    """

    _of_person: tuple[_StoredContact, ...]
    with_others: tuple[PastContact, ...]
    _first_about: Mapping[int, datetime]
    _histories: dict[frozenset[int], tuple[PastContact, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, row: RowMapping) -> "ContactsOfPerson":
        """Reads the columns of `CONTACTS_OF_PERSON`."""
        others = _CONTACTS.validate_python(row["contacts_with_others"])
        return cls(
            _CONTACTS.validate_python(row["contacts"]),
            tuple(stored.past for stored in others),
            _FIRST.validate_python(row["first_contacts"]),
        )

    def history(self, certain: frozenset[int]) -> tuple[PastContact, ...]:
        """The contacts with the person, as one record counts them.

        `certain` are the records that are confirmed to be one person with it. A contact with
        another record was with somebody who is presumed to be that person.
        """
        if certain not in self._histories:
            self._histories[certain] = tuple(
                stored.past if stored.record in certain else replace(stored.past, certain=False)
                for stored in self._of_person
            )
        return self._histories[certain]

    def first_about(self, loan_id: int) -> datetime | None:
        """The first contact with the person about a loan, at any time."""
        return self._first_about.get(loan_id)


# Joined to a loan `l`, the record `b` of whom it asks about, and all records `p` of that person.
# Only the first of a person's loans reads them; for the others they are empty.
CONTACTS_OF_PERSON = """
       CROSS JOIN LATERAL (
           SELECT coalesce(json_agg(x.stored ORDER BY x.at) FILTER (WHERE x.of_person), '[]')
                      AS contacts,
                  coalesce(json_agg(x.stored ORDER BY x.at) FILTER (WHERE NOT x.of_person), '[]')
                      AS contacts_with_others
             FROM (SELECT c.at, c.of_person,
                          json_build_object('record', c.borrower_id, 'past', json_build_object(
                              'at', c.at, 'channel', c.channel,
                              'loan_id', c.loan_id, 'connected', o.connected,
                              'number', encode(c.number_blind_index, 'hex'),
                              'at_work', c.at_work, 'party', c.party,
                              'purpose', coalesce(c.purpose, 'collect'),
                              'inbound', c.inbound IS TRUE, 'outcome', o.outcome,
                              'callback_at', o.callback_at,
                              'certain', c.of_person,
                              'also_about', coalesce(c.also_loan_ids, '{}')
                                  || coalesce(o.also_loan_ids, '{}')
                                  || ARRAY(SELECT y.loan_id FROM contact y
                                            WHERE y.part_of = c.id))) AS stored
                     FROM (-- A contact about several loans is one contact, unless its first loan
                           -- is another's. A letter of theirs is none: nobody was reached by it.
                           SELECT true AS of_person, k.* FROM contact k
                            WHERE k.borrower_id = ANY(p.records) AND k.at > :counted_since
                              AND k.channel <> 'letter'
                              AND l.is_first_of_person
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
                                                WHERE y.borrower_id = ANY(p.records)
                                                UNION ALL
                                               SELECT q.phone_blind_index
                                                 FROM person_fact f
                                                 JOIN representative q ON -- acts now
                                                WHERE f.borrower_id = ANY(p.records)
                                                  AND f.kind = 'represented'
                                                  AND q.phone_blind_index IS NOT NULL) END)
                              AND k.at > :counted_since AND k.channel <> 'letter'
                              AND l.is_first_of_person
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
       CROSS JOIN LATERAL (
           SELECT coalesce(json_object_agg(x.loan_id, x.at), '{}') AS contacts
             FROM (SELECT c.loan_id, min(c.at) AS at
                     FROM contact c
                    WHERE c.borrower_id = ANY(p.records) AND l.is_first_of_person
                      AND c.channel <> 'letter'
                      -- A question to somebody else is no contact with the borrower.
                      AND (c.purpose IS DISTINCT FROM 'locate'
                           OR EXISTS (SELECT FROM contact_outcome o
                                       WHERE o.contact_id = c.id
                                         AND o.outcome = ANY(:with_borrower)))
                    GROUP BY c.loan_id) x) first
"""
