"""The day: half of it, a backup, the other half, the loss, the recovery, and the rest."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.drill.backups import Backup
from tests.drill.installation import CORE, Installation
from tests.drill.people import AFTERNOON, MORNING, People

QUIET_SECONDS = 10.0
"""How long the restored installation is watched before it is recovered: it would send at once."""
WHOLE_DEBT = "100.00"
REVOKED = "c-9"
"""A member of staff whose token is revoked in the afternoon."""

KINDS = ("contact", "payment", "reply", "person_fact", "erasure", "evidence_link")
"""Tables whose rows are counted."""

_OF_ERASED = """
SELECT encode(value, 'hex') FROM borrower b
 CROSS JOIN LATERAL (
     SELECT unnest(ARRAY[b.name_encrypted, b.address_encrypted]) UNION ALL
     SELECT number_encrypted FROM borrower_number WHERE borrower_id = b.id UNION ALL
     SELECT m.body_encrypted FROM message m JOIN contact c ON c.id = m.contact_id
      WHERE c.borrower_id = b.id) AS of_person (value)
 WHERE b.external_id = :borrower AND value IS NOT NULL
"""
_UNREVIEWED = "SELECT count(*) FROM loan WHERE review_on <= :today"


@dataclass(slots=True)
class Claims:
    """What has to hold, and whether it did."""

    say: Callable[[str], None]
    broken: int = 0

    def check(self, what: str, *, held: bool, found: object = "") -> None:
        self.broken += not held
        self.say(f"{'held  ' if held else 'BROKEN'}  {what}{f': {found}' if found else ''}")


@dataclass(slots=True)
class Drill:
    """One day of one installation."""

    installation: Installation
    people: People
    backup: Backup
    say: Callable[[str], None]
    claims: Claims

    def live_through_morning(self) -> None:
        """A third of the texts goes out; one of those who got one pays all."""
        installation, people = self.installation, self.people
        installation.set_clock(MORNING)
        installation.run_by_two("machine", "allow", CORE, "events:payment")
        installation.run("status", by=REVOKED)  # whoever runs a command has a token
        installation.start()
        self._wait_for_texts(len(people.numbers(0)))
        installation.pay("P-1", people.loan(people.erased), WHOLE_DEBT)
        self._wait_for_rows("payment", 1)

    def live_through_afternoon(self) -> list[str]:
        """What happens after the backup; returns the values that are erased, in hexadecimal."""
        installation, people = self.installation, self.people
        installation.set_clock(AFTERNOON)
        self._wait_for_texts(len(people.numbers(0) + people.numbers(1)))
        for position in people.stopped:
            installation.write_stop(people.number(position))
        installation.pay("P-2", people.loan(people.payer), WHOLE_DEBT)
        borrower = f"B-{people.loan(people.erased)}"
        erased = installation.values(_OF_ERASED, borrower=borrower)
        why = ("--why", "they ask for it", "--law", "an order of a court")
        installation.run_by_two("data-subject", "erase", borrower, *why)
        installation.run("token", "revoke", REVOKED)
        self._wait_for_rows("payment", 2)
        self._wait_for_rows("reply", len(people.stopped))
        self._wait_for_head()
        return erased

    def _wait_for_texts(self, count: int) -> None:
        texts = self.installation.twilio.accepted_texts
        self.installation.wait_for(f"{count} texts are sent", lambda: len(texts()) >= count)

    def _wait_for_rows(self, table: str, count: int) -> None:
        self.installation.wait_for(
            f"{count} rows in {table}",
            lambda: self.installation.value(f"SELECT count(*) FROM {table}") >= count,  # noqa: S608
        )
