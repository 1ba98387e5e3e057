"""Deferrals and instalment plans in the history of a loan: asked for, offered, accepted, ended."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from domain.actors import ARREARS, BY_TEXT
from domain.arrangements import ArrangementStatus
from domain.language.phrases import Phrase
from domain.language.render import Entry, part
from workers.db.schema import arrangement, arrangement_return, document
from workers.history.loan import ExplainedLoan, by_whom_and_why, named, of_loan, said_by_other


def arrangements(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each arrangement, with its newest offer. What its pauses are is said by the holds."""
    for row in connection.execute(of_loan(arrangement, subject)):
        name = {"arrangement": named(row.external_id, row.sender)}
        asked = part(
            Phrase.ARRANGEMENT_ASKED, **name, asked_by=row.asked_by, actor=row.requested_by
        )
        if row.requested_by == BY_TEXT.reference:
            asked = part(Phrase.ARRANGEMENT_ASKED_BY_TEXT, **name)
        yield Entry(row.requested_at, (asked, *said_by_other(connection, row.borrower_id)))
        if row.offered_at is not None:
            offered = part(
                Phrase.ARRANGEMENT_QUOTED,
                actor=row.offered_by,
                role=row.offered_as,
                arrangement_kind=row.kind,
                terms=f"{row.terms_id} v{row.terms_version}",
                valid_until=row.valid_until,
                before=row.to_pay_before,
                after=row.to_pay_after,
                currency=subject.currency,
            )
            said = [offered]
            if row.offer is not None and row.offer > 1:
                said.append(part(Phrase.ARRANGEMENT_OFFERED_AGAIN, offer=row.offer))
            if row.agreed_by:
                said.append(part(Phrase.ARRANGEMENT_AGREED, actor=row.agreed_by))
            yield Entry(row.offered_at, tuple(said))
        if row.accepted_at is not None:
            taken = part(
                Phrase.ARRANGEMENT_TAKEN,
                **name,
                accepted_on=row.accepted_on,
                acceptance_proof=row.proof,
                reference=row.proof_reference,
                actor=row.accepted_by,
            )
            yield Entry(row.accepted_at, (taken,))
        if row.confirmed_at is not None:
            yield Entry(row.confirmed_at, (part(Phrase.ARRANGEMENT_CONFIRMED, **name),))
        yield from _returns(connection, row.id, name)
        if row.ended_at is not None:
            over = part(
                Phrase.ARRANGEMENT_OVER,
                **name,
                arrangement_status=row.status,
                actor=row.ended_by,
            )
            if row.ended_by == ARREARS.reference:
                status = {"arrangement_status": row.status}
                over = part(Phrase.ARRANGEMENT_OVER_BY_ITSELF, **name, **status)
            why = [part(Phrase.ARRANGEMENT_REFUSED, refusal=row.refusal)] if row.refusal else []
            yield Entry(row.ended_at, (over, *why, *by_whom_and_why(None, row.why_id)))


_TAKEN_BACK = {
    ArrangementStatus.DEFAULTED: Phrase.ARRANGEMENT_PAID_IN_TIME,
    ArrangementStatus.COMPLETED: Phrase.ARRANGEMENT_UNPAID_AGAIN,
    ArrangementStatus.EXPIRED: Phrase.ARRANGEMENT_ACCEPTED_IN_TIME,
}
"""By the end, why it was taken back."""


def _returns(connection: Connection, id: int, name: dict[str, str]) -> Iterator[Entry]:
    """Each end that was taken back, and that it goes on again."""
    of_it = select(arrangement_return).where(arrangement_return.c.arrangement_id == id)
    for row in connection.execute(of_it.order_by(arrangement_return.c.id)):
        over = part(Phrase.ARRANGEMENT_OVER_BY_ITSELF, **name, arrangement_status=row.from_status)
        yield Entry(row.ended_at, (over,))
        why = _TAKEN_BACK[ArrangementStatus(row.from_status)]
        goes_on = row.to_status == ArrangementStatus.ACTIVE
        again = (part(Phrase.ARRANGEMENT_GOES_ON),) if goes_on else ()
        yield Entry(row.at, (part(why, **name), *again))


def default_notices(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each letter that announced the default of an arrangement; never what it says."""
    found = connection.execute(
        select(document, arrangement.c.external_id, arrangement.c.sender)
        .join(arrangement, arrangement.c.id == document.c.arrangement_id)
        .where(arrangement.c.loan_id == subject.id)
        .order_by(document.c.id)
    )
    for row in found:
        text = part(
            Phrase.DEFAULT_NOTICE,
            arrangement=named(row.external_id, row.sender),
            template=row.template,
            version=row.template_version,
            language=row.locale,
        )
        yield Entry(row.created_at, (text,))
