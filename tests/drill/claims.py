"""What has to hold after a recovery, each said with whether it did."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass

from tests.drill.installation import Installation
from tests.drill.people import People

COUNTED = ("contact", "message", "payment", "reply", "person_fact", "erasure", "evidence_link")
"""Tables whose rows are counted."""

_OF_PERSON = """
SELECT encode(value, 'hex') FROM borrower b
 CROSS JOIN LATERAL (
     SELECT unnest(ARRAY[b.name_encrypted, b.address_encrypted]) UNION ALL
     SELECT number_encrypted FROM borrower_number WHERE borrower_id = b.id UNION ALL
     SELECT m.body_encrypted FROM message m JOIN contact c ON c.id = m.contact_id
      WHERE c.borrower_id = b.id) AS of_person (value)
 WHERE b.external_id = :borrower AND value IS NOT NULL
"""


@dataclass(slots=True)
class Claims:
    """Says each with what was found, and counts those that broke."""

    say: Callable[[str], None]
    broken: int = 0

    def check(self, what: str, *, held: bool, found: object = "") -> None:
        self.broken += not held
        self.say(f"{'held  ' if held else 'BROKEN'}  {what}{f': {found}' if found else ''}")


def rows_of(installation: Installation) -> dict[str, int]:
    """How many rows the counted tables have."""
    return {
        table: installation.value(f"SELECT count(*) FROM {table}")  # noqa: S608
        for table in COUNTED
    }


def values_of_person(installation: Installation, borrower: str) -> set[str]:
    """Every encrypted value of a person, in hexadecimal."""
    return set(installation.values(_OF_PERSON, borrower=borrower))


def values_in_database(installation: Installation, values: Collection[str]) -> int:
    """How many of these values any table of the database has, wherever they stand."""
    dump = installation.postgres.run_tool("pg_dump", "--data-only", installation.database)
    return sum(value in dump for value in values)


def check_texts(claims: Claims, installation: Installation, people: People) -> None:
    """Everybody got at most one text, and those who are owed one got it."""
    texts = Counter(installation.texts_of())
    twice = [number for number, count in texts.items() if count > 1]
    claims.check(
        "nobody got a second text",
        held=not twice,
        found=f"{texts.total()} texts, {len(twice)} numbers twice",
    )
    owed = set(people.numbers(0)) | set(people.numbers(1)) | people.owed_afterwards
    claims.check(
        "whoever was owed a text got it",
        held=owed <= texts.keys(),
        found=f"{len(owed & texts.keys())} of {len(owed)}",
    )
    stopped = {people.number(each) for each in (*people.stopped, people.stopped_meanwhile)}
    late = installation.texts_of()[installation.texts_before :]
    claims.check(
        "nobody who said STOP got one afterwards", held=not stopped & set(late), found=len(stopped)
    )
    payer = people.number(people.payer)
    claims.check("who had paid got none", held=payer not in texts)
