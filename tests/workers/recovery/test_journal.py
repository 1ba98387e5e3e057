"""What was asked for after the backup comes back from the journal, and only that."""

import json

import pytest
from sqlalchemy import insert, select, update

from domain.actors import Actor
from domain.errors import ArrearsError
from domain.recovery import RecoveryStep, StepStatus
from tests.support.acting import acting_alone
from tests.support.inbound import record_inbound_text
from tests.workers.recovery.conftest import House
from workers.access.secrets import digest_of
from workers.access.tokens import revoke_tokens
from workers.db.journal import JournalUnusableError, note_ends_in_journal
from workers.db.schema import borrower, contact_point_fact, erasure, person_fact, staff, token
from workers.inbox.submit import submit
from workers.operations.sending_holds import resume_sending
from workers.privacy.subject_requests import erase_subject
from workers.recovery.run import Asked, Recovered, go_on_without, recover
from workers.recovery.step import Result
from workers.sms.providers.port import InboundText


def run(house: House, **asked: object) -> Recovered:
    return recover(house.book.ctx, Asked(**asked), lambda _: None)  # type: ignore[arg-type]


def of_step(recovered: Recovered, step: RecoveryStep) -> Result:
    return next(result for result in recovered.results if result.step is step)


def says_stop(house: House, phone: str, sid: str = "SM-in-1") -> None:
    text = InboundText("twilio", sid, phone, "STOP", None)
    record_inbound_text(house.book.ctx, text, help_is_answered=False)


def asks_for_no_contact(house: House, borrower: str, id: str) -> str:
    payload = {"borrower": borrower, "channel": None, "actor": "c-1"}
    return submit(house.book.ctx, id, "opt_out", payload).status


def erases(house: House, borrower: str) -> None:
    erase_subject(
        acting_alone(house.book.ctx, Actor("adm-1")),
        borrower,
        why="asked",
        law="court",
        dry_run=False,
    )


def half_a_day_and_the_other(house: House) -> None:
    """Texts, a copy; then a text, a STOP, a wish for no contact, an erasure and a revocation."""
    book = house.book
    for number in range(1, 5):
        book.loan(f"L-{number}", phone=f"+861380013800{number}")
    book.loan("L-5", phone="+8613800138005", amount="0")
    member = book.staff("c-9", "collector")
    digest = digest_of("their secret")
    with book.ctx.engine.begin() as connection:
        at = {"created_at": book.clock.at, "expires_at": book.clock.at, "created_by": "adm-1"}
        connection.execute(insert(token).values(staff_id=member, digest=digest, **at))
    book.escalate("L-1", "L-2", "L-3", "L-4")
    assert book.send("L-1", "text_day_1") == "accepted"
    house.back_up()
    book.at("2026-03-02 15:00")
    assert book.send("L-2", "text_day_1") == "accepted"
    says_stop(house, "+8613800138003")
    assert asks_for_no_contact(house, "B-L-4", "wish-1") == "applied"
    erases(house, "B-L-5")
    revoke_tokens(book.ctx, "c-9")
    with book.ctx.engine.begin() as connection:
        connection.execute(
            update(staff).where(staff.c.external_id == "c-9").values(left_on=book.clock.at.date())
        )


def test_wishes_erasures_and_revocations_come_back_once(house: House) -> None:
    half_a_day_and_the_other(house)
    house.restore()
    book = house.book
    assert book.rows(person_fact) == []
    assert book.rows(erasure) == []

    looked = run(house, dry_run=True)

    assert of_step(looked, RecoveryStep.JOURNAL).found == {"known": 0, "done": 5, "waits": 0}
    assert book.rows(person_fact) == [], "a dry run changes nothing"
    done = run(house)
    assert done.is_finished
    assert [fact.kind for fact in book.rows(person_fact)] == ["ceased"]
    assert [fact.kind for fact in book.rows(contact_point_fact)] == ["opted_out"]
    assert book.one(contact_point_fact).source_kind == "borrower"
    assert [row.actor for row in book.rows(erasure)] == ["adm-1"]
    erased = book.one(select(borrower).where(borrower.c.external_id == "B-L-5"))
    assert (erased.name_encrypted, erased.address_encrypted) == (None, None)
    assert book.one(token).revoked_by == "arrears"
    assert book.one(staff).left_on == book.clock.at.date()
    assert book.send("L-3", "text_day_1") == "nothing to do", "sending is still stopped"


def test_sending_is_resumed_after_a_recovery_only(house: House) -> None:
    half_a_day_and_the_other(house)
    house.restore()
    with pytest.raises(ArrearsError, match="arrears recover"):
        resume_sending(house.book.ctx, 1)
    with pytest.raises(ArrearsError, match="without --nothing-restored"):
        run(house, nothing_restored="a disk was lost")
    assert run(house).is_finished
    resume_sending(house.book.ctx, 1)
    house.book.send("L-3", "text_day_1")
    house.book.send("L-4", "text_day_1")
    assert len(house.book.sms.sent) == 2, "who said stop is texted by nobody"


def test_where_only_the_counter_was_lost_a_word_is_enough(house: House) -> None:
    half_a_day_and_the_other(house)
    (house.folder / "counter").unlink()

    done = run(house, nothing_restored="the volume of the counter was replaced")

    assert done.is_finished
    resume_sending(house.book.ctx, 1)


def test_a_wish_that_ended_before_the_database_was_lost_does_not_come_back(house: House) -> None:
    book = house.book
    book.loan("L-1")
    house.back_up()
    book.at("2026-03-02 15:00")
    asks_for_no_contact(house, "B-L-1", "wish-1")
    with book.ctx.engine.begin() as connection:
        ended = {"ended_at": book.clock.at, "ended_by": "c-1"}
        connection.execute(update(person_fact).values(ended))
    # Whoever restores nothing and runs it all the same keeps it ended, too.
    run(house, since=book.moment("2026-03-02 10:00"))
    assert book.one(person_fact).ended_by == "c-1"


def test_an_opt_out_waits_while_the_journal_cannot_be_written(house: House) -> None:
    book = house.book
    book.loan("L-1")
    house.journal.unlink()
    house.journal.mkdir()
    with pytest.raises(JournalUnusableError, match="journal"):
        asks_for_no_contact(house, "B-L-1", "wish-1")
    assert book.rows(person_fact) == [], "nothing is on record that the journal does not have"
    house.journal.rmdir()
    assert asks_for_no_contact(house, "B-L-1", "wish-1") == "applied"
    assert len(house.journal.read_bytes().splitlines()) == 2, "the first one says since when"


def test_a_journal_at_fault_is_said_and_what_is_whole_counts(house: House) -> None:
    half_a_day_and_the_other(house)
    lines = house.journal.read_bytes().splitlines(keepends=True)
    changed = json.dumps({**json.loads(lines[1]), "point": "00" * 32}).encode() + b"\n"
    house.restore()
    for harm, contents, known in (
        ("torn", [*lines, lines[1][:40]], True),
        ("changed", [lines[0], changed, *lines[2:]], False),
        ("cut out", [*lines[:2], *lines[3:]], False),
        ("of another key", [line.replace(b'"signature":"', b'"signature":"0') for line in lines],
         False),
        ("begun anew", lines[:0], False),
    ):  # fmt: skip
        house.journal.write_bytes(b"".join(contents))
        result = of_step(run(house, dry_run=True), RecoveryStep.JOURNAL)
        assert result.status is (StepStatus.DONE if known else StepStatus.OPEN), harm
    house.journal.unlink()
    assert of_step(run(house), RecoveryStep.JOURNAL).status is StepStatus.OPEN
    go_on_without(house.book.ctx, RecoveryStep.JOURNAL, "journal.jsonl", "it burnt too")
    assert run(house).is_finished, "two persons answer for it"


def test_a_wish_of_a_record_that_only_a_later_tape_has_is_kept_for_it(house: House) -> None:
    book = house.book
    book.loan("L-1")
    book.escalate("L-1")
    house.back_up()
    book.at("2026-03-02 15:00")
    assert book.send("L-1", "text_day_1") == "accepted"
    book.loan("L-9", phone="+8613800138009")
    assert asks_for_no_contact(house, "B-L-9", "wish-9") == "applied"
    house.restore()
    with pytest.raises(ArrearsError, match="--since"):
        run(house)
    found = run(house, since=book.moment("2026-03-02 12:00"))
    assert not found.is_finished
    assert of_step(found, RecoveryStep.JOURNAL).found == {"known": 0, "done": 0, "waits": 1}
    house.book.loan("L-9", phone="+8613800138009")
    assert run(house).is_finished
    assert house.book.one(person_fact).kind == "ceased"


def test_the_end_of_a_wish_is_in_the_journal_once_it_is_committed(house: House) -> None:
    book = house.book
    book.loan("L-1")
    book.escalate("L-1")
    assert book.send("L-1", "text_day_1") == "accepted"
    asks_for_no_contact(house, "B-L-1", "wish-1")
    house.back_up()
    book.at("2026-03-02 15:00")
    with book.ctx.engine.begin() as connection:
        ended = {"ended_at": book.clock.at, "ended_by": "c-1"}
        connection.execute(update(person_fact).values(ended))
    before = len(house.journal.read_bytes().splitlines())
    note_ends_in_journal(book.ctx.engine, house.journal, book.ctx.cipher, book.clock.at)
    assert len(house.journal.read_bytes().splitlines()) == before + 1
    house.restore()
    assert house.book.one(person_fact).ended_by is None

    run(house, since=book.moment("2026-03-02 12:00"))

    assert house.book.one(person_fact).ended_by == "c-1"
