"""The schedules of a loan that another one replaced, and the tapes that left the loan out."""

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from domain.language.phrases import Phrase
from domain.language.render import Entry, part
from workers.db.schema import absent_loan, replaced_instalment, replaced_schedule
from workers.history.loan import ExplainedLoan, by_whom_and_why, of_loan
from workers.history.words import typed_words


def replaced_schedules(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each restructuring: the schedule before it, and the schedule after it."""
    old = replaced_instalment.c
    before = (
        select(
            old.replaced_schedule_id,
            func.count().label("old_instalments"),
            func.min(old.due_on).label("old_first"),
            func.max(old.due_on).label("old_last"),
            func.sum(old.principal + old.interest + old.fees).label("old_amount"),
            func.sum(old.paid_principal + old.paid_interest + old.paid_fees).label("old_paid"),
        )
        .join(replaced_schedule)
        .where(replaced_schedule.c.loan_id == subject.id)
        .group_by(old.replaced_schedule_id)
        .subquery()
    )
    replaced = of_loan(replaced_schedule, subject)
    names = ("old_instalments", "old_first", "old_last", "old_amount", "old_paid")
    rows = replaced.join(before, before.c.replaced_schedule_id == replaced_schedule.c.id)
    for row in connection.execute(rows.add_columns(*(before.c[name] for name in names))):
        said = {name: getattr(row, name) for name in names}
        new = {
            name: getattr(row, name)
            for name in ("restructured_on", "instalments", "first_due_on", "last_due_on")
        }
        amounts = {"amount": row.amount, "paid": row.paid, "currency": subject.currency}
        parts = [part(Phrase.SCHEDULE_REPLACED, **said, **new, **amounts)]
        if row.tape_as_of:
            parts.append(part(Phrase.SCHEDULE_OF_TAPE, as_of=row.tape_as_of))
        parts.extend(by_whom_and_why(row.actor, typed_words(row)))
        yield Entry(row.recorded_at, tuple(parts))


def absences(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each time that a full tape left the loan out, and that one showed it again."""
    for row in connection.execute(of_loan(absent_loan, subject)):
        phrase = Phrase.ABSENT_AND_HELD if row.hold_id else Phrase.ABSENT_FROM_TAPE
        yield Entry(row.noted_at, (part(phrase, as_of=row.since),))
        if row.back_at is not None:
            yield Entry(row.back_at, (part(Phrase.BACK_ON_TAPE, as_of=row.back_on),))
