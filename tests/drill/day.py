"""The day: half of it, a backup, the other half, the loss, the recovery, and the rest."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from zoneinfo import ZoneInfo

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from tests.chaos.book import TODAY, ZONE, write_book
from tests.drill.backups import Backup, Dump, PointInTime
from tests.drill.claims import Claims, check_texts, rows_of, values_in_database, values_of_person
from tests.drill.installation import CORE, Installation, new_installation
from tests.drill.people import AFTERNOON, AFTERWARDS, MORNING, NOON, People, make_people
from tests.support.commands import granted

QUIET_SECONDS = 10.0
"""How long the restored installation is watched before it is recovered: it would send at once."""
WHOLE_DEBT = "100.00"
REVOKED = "c-9"
"""A member of staff whose token is revoked in the afternoon."""

BACKUPS: dict[str, Callable[[Installation], Backup]] = {
    "dump": lambda installation: Dump(installation.postgres, installation.migrate),
    "point-in-time": lambda installation: PointInTime(installation.postgres),
}

_UNREVIEWED = "SELECT count(*) FROM loan WHERE review_on <= :today"
_CHAINED_MEANWHILE = {"evidence_link": 0}
"""What the workers go on to do while a dry run looks."""
_HOLDS = "SELECT cause FROM sending_hold WHERE resumed_at IS NULL ORDER BY id"
_PENDING = "SELECT id FROM inbox_event WHERE status = 'received'"
_HOLD = "SELECT id FROM sending_hold WHERE resumed_at IS NULL ORDER BY id"


def live_through(kind: str, loans: int, folder: Path, say: Callable[[str], None]) -> Claims:
    """The whole day with one kind of backup; everything that was started is gone afterwards."""
    people = make_people(loans)
    with new_installation(folder) as installation:
        installation.set_clock(MORNING)
        engine = create_engine(installation.for_people()["DATABASE_URL"], poolclass=NullPool)
        with engine.begin() as connection:
            write_book(connection, installation.cipher(), people.book, installation.now())
        backup = BACKUPS[kind](installation)
        drill = Drill(installation, people, backup, say, Claims(say))
        backup.prepare()
        say(f"{len(people.book)} loans are owed a text today")
        drill.live_through_morning()
        before = rows_of(installation)
        installation.set_clock(NOON)
        backup.take()
        drill.backed_up_at = f"{installation.now().astimezone(ZoneInfo(ZONE)):%Y-%m-%d %H:%M}"
        say("the backup is made")
        drill.live_through_afternoon()
        lost = rows_of(installation)
        installation.stop()
        installation.write_stop(people.number(people.stopped_meanwhile), arrives=False)
        drill.restore()
        say(f"rows in the backup: {before}")
        say(f"rows when the database was lost: {lost}")
        say(f"rows after the restore: {rows_of(installation)}")
        drill.watch_restored()
        drill.recover()
        drill.live_through_rest()
        say(f"rows at the end: {rows_of(installation)}")
        drill.check()
    return drill.claims


@dataclass(slots=True)
class Drill:
    """One day of one installation."""

    installation: Installation
    people: People
    backup: Backup
    say: Callable[[str], None]
    claims: Claims
    erased: set[str] = field(default_factory=set)
    """The values that were erased in the afternoon, in hexadecimal."""
    backed_up_at: str = ""
    """As `arrears recover --since` takes it."""

    @property
    def borrower(self) -> str:
        """Whose data is erased."""
        return f"B-{self.people.loan(self.people.erased)}"

    def live_through_morning(self) -> None:
        """A third of the texts goes out; one of those who got one pays all."""
        installation, people = self.installation, self.people
        installation.run_by_two("machine", "allow", CORE, "events:payment", "events:resent")
        installation.run("problems", "list", by=REVOKED)  # whoever runs one has a token
        installation.start()
        self._wait_for_texts(len(people.numbers(0)))
        installation.pay("P-1", people.loan(people.erased), WHOLE_DEBT)
        self._wait_for_rows("payment", 1)
        self._wait_for_evidence()

    def live_through_afternoon(self) -> None:
        """What the backup does not have: texts, two STOPs, a payment, an erasure, a revocation."""
        installation, people = self.installation, self.people
        installation.set_clock(AFTERNOON)
        self._wait_for_texts(len(people.numbers(0) + people.numbers(1)))
        for position in people.stopped:
            installation.write_stop(people.number(position))
        installation.pay("P-2", people.loan(people.payer), WHOLE_DEBT)
        self.erased = values_of_person(installation, self.borrower)
        why = ("--why", "they ask for it", "--law", "an order of a court")
        installation.run_by_two("data-subject", "erase", self.borrower, *why)
        installation.run("token", "revoke", REVOKED)
        self._wait_for_rows("payment", 2)
        self._wait_for_rows("reply", len(people.stopped))
        self._wait_for_evidence()
        installation.texts_before = len(installation.texts_of())
        self.say(f"{installation.texts_before} texts are out, and the database is lost")

    def restore(self) -> None:
        """The server is gone with its files; its backup takes its place."""
        started = time.monotonic()
        self.backup.restore()
        self.say(f"the database is restored, in {time.monotonic() - started:.1f} s")
        back = values_in_database(self.installation, self.erased)
        self.say(f"{back} of {len(self.erased)} erased values are in it again")

    def watch_restored(self) -> None:
        """Workers start on the restored database, at an hour at which texts are due."""
        installation, today = self.installation, TODAY.isoformat()
        installation.set_clock(AFTERWARDS)
        installation.start()
        installation.wait_for(
            "a sending hold sets itself", lambda: bool(installation.values(_HOLDS))
        )
        installation.wait_for(
            "all loans are reviewed", lambda: not installation.value(_UNREVIEWED, today=today)
        )
        time.sleep(QUIET_SECONDS)
        sent = len(installation.texts_of()) - installation.texts_before
        causes = ", ".join(installation.values(_HOLDS))
        self.claims.check("sending stopped by itself", held=bool(causes), found=causes)
        self.claims.check("nobody was texted meanwhile", held=not sent, found=f"{sent} texts")

    def recover(self) -> None:
        """What is known outside the database comes back into it; then sending goes on."""
        installation = self.installation
        for hold in installation.values(_HOLD):
            refused = installation.run("sending", "resume", str(hold))
            held = refused.returncode != 0 and "arrears recover" in refused.stderr
            self.claims.check("sending is not resumed before a recovery", held=held)
        before = rows_of(installation) | _CHAINED_MEANWHILE
        command = ("recover", "--since", self.backed_up_at)
        self._say_lines(installation.run(*command, "--dry-run"))
        changed = rows_of(installation) | _CHAINED_MEANWHILE != before
        self.claims.check("a dry run changes nothing", held=not changed)
        self._say_lines(granted(installation.for_people(), *command))
        again = installation.answer_recovery()
        self.say(f"the lender's system was asked, and sends {again} events again")
        self._wait_for_rows("payment", 2)
        installation.wait_for("its answer is applied", lambda: not installation.values(_PENDING))
        done = installation.run(*command)
        self._say_lines(done)
        self.claims.check("the recovery is finished", held=done.returncode == 0)
        if done.returncode:
            return  # sending stays stopped, and the claims say what is missing
        for hold in installation.values(_HOLD):
            installation.run_by_two("sending", "resume", str(hold))

    def _say_lines(self, done: CompletedProcess[str]) -> None:
        command = f"$ arrears {' '.join(done.args)}"
        for line in (command, *(done.stdout + done.stderr).splitlines()):
            self.say(f"    {line}")

    def live_through_rest(self) -> None:
        """The last third is texted, but for those who need no text any more."""
        people = self.people
        if not self.installation.values(_HOLDS):
            self._wait_for_texts(self.installation.texts_before + len(people.owed_afterwards))
        time.sleep(QUIET_SECONDS)

    def check(self) -> None:
        """Say what held."""
        installation, claims = self.installation, self.claims
        check_texts(claims, installation, self.people)
        back = values_in_database(installation, self.erased)
        found = f"{back} of {len(self.erased)} values"
        claims.check("nothing erased came back", held=bool(self.erased) and not back, found=found)
        refused = installation.run("problems", "list", by=REVOKED).returncode
        claims.check("the revoked token is refused", held=refused != 0)
        payments = installation.values("SELECT external_id FROM payment ORDER BY external_id")
        claims.check("the payment came again", held=payments == ["P-1", "P-2"], found=payments)
        verified = installation.run("evidence", "verify", "--json")
        wrong = json.loads(verified.stdout)["wrong"]
        claims.check("the evidence says what was lost, and is whole", held=not wrong, found=wrong)

    def _wait_for_evidence(self) -> None:
        """Everything is in the chain, and the file outside the database knows its newest head."""
        heads = Path(self.installation.environment["ARREARS_EVIDENCE_FILE"])

        def is_chained() -> bool:
            (waiting,) = self.installation.values("SELECT count(*) FROM evidence_due")
            (newest,) = self.installation.values("SELECT max(id) FROM evidence_head")
            lines = heads.read_text().splitlines() if heads.exists() else []
            return not waiting and bool(lines) and json.loads(lines[-1]).get("head") == newest

        self.installation.wait_for("the evidence is in the chain", is_chained)

    def _wait_for_texts(self, count: int) -> None:
        texts = self.installation.texts_of
        self.installation.wait_for(f"{count} texts are sent", lambda: len(texts()) >= count)

    def _wait_for_rows(self, table: str, count: int) -> None:
        query = f"SELECT count(*) FROM {table}"  # noqa: S608
        self.installation.wait_for(
            f"{count} rows in {table}", lambda: self.installation.value(query) >= count
        )
