"""The chain of evidence is whole again from a restore on, and says for ever what was lost."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from domain.recovery import RecoveryStep, StepStatus
from tests.workers.recovery.conftest import House
from tests.workers.recovery.test_journal import of_step, run
from workers.db.schema import message
from workers.evidence.chain import chain_evidence
from workers.evidence.head_file import note_head
from workers.evidence.report import verify_evidence


def chains(house: House) -> None:
    assert chain_evidence(house.book.ctx) > 0
    house.book.clock.at += timedelta(minutes=2)
    assert note_head(house.book.ctx)


def defects(house: House) -> list[str]:
    found = verify_evidence(house.book.ctx, None, head=None, progress=lambda _: None)
    return [finding.defect for finding in found.wrong]


def test_without_the_keys_nothing_is_begun(house: House) -> None:
    book = house.book
    book.loan("L-1")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    chains(house)
    heads = house.folder / "heads.jsonl"
    whole, since = heads.read_bytes(), book.moment("2026-03-02 09:00")
    heads.write_bytes(whole.replace(b'"signature":"', b'"signature":"0'))
    found = of_step(run(house, since=since, dry_run=True), RecoveryStep.EVIDENCE)
    assert found.status is StepStatus.OPEN
    heads.write_bytes(whole)
    assert run(house, since=since, dry_run=True).results[-1].step is RecoveryStep.REST
    # An older row is of a key that nobody has.
    with book.ctx.engine.begin() as connection:
        lost = b"b:0123456789:" + bytes(40)
        connection.execute(update(message).values(body_encrypted=lost[:2] + b"000000000:" + lost))
    [only] = run(house, since=since, dry_run=True).results
    assert (only.step, only.status) == (RecoveryStep.KEYS, StepStatus.OPEN)


@pytest.mark.parametrize("goes_on", [False, True], ids=["at once", "while the chain goes on"])
def test_what_was_lost_is_said_and_everything_after_it_is_whole(
    house: House, goes_on: bool
) -> None:
    book = house.book
    for name in ("L-1", "L-2", "L-3"):
        book.loan(name, phone=f"+861380013800{name[-1]}")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    chains(house)
    house.back_up()
    book.at("2026-03-02 15:00")
    for name in ("L-2", "L-3"):
        book.escalate(name)
        book.send(name, "text_day_1")
        chains(house)
    house.restore()
    book = house.book
    if goes_on:
        # PostgreSQL leaves out some numbers of a sequence where it recovers from its WAL.
        with book.ctx.engine.begin() as connection:
            connection.exec_driver_sql(
                "SELECT setval(pg_get_serial_sequence('evidence_head', 'id'), 33)"
            )
        chains(house)
    assert defects(house) == ["no_such_head", "no_such_head"]

    done = run(house)

    assert done.is_finished
    lost = of_step(done, RecoveryStep.EVIDENCE).found
    assert lost["heads"] == 2
    rest = of_step(done, RecoveryStep.REST).found
    assert rest["lost_contacts"] == rest["found_texts"] == 2
    assert (rest["unexplained"], rest["texts_by_day"]) == (0, {"2026-03-02": 2})
    while chain_evidence(book.ctx):
        pass
    assert defects(house) == []
    book.escalate("L-2")
    chains(house)
    chains_again = house.folder.joinpath("heads.jsonl").read_text().splitlines()
    assert len(chains_again) == 5 + goes_on, "three heads, what was lost, and one that follows it"
    found = verify_evidence(book.ctx, None, head=None, progress=lambda _: None)
    assert found.wrong == []
    assert [part.heads for part in found.lost] == [2]
    # Whoever cuts off the end again is found.
    with book.ctx.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql(
            "DELETE FROM evidence_head WHERE id = (SELECT max(id) FROM evidence_head)"
        )
    assert "no_such_head" in defects(house)
