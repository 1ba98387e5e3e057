"""What came in about a loan: payments, opt-outs, problems, and events that did nothing."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, union_all

from config.setting_validators import PROVIDERS
from domain.actors import BY_TEXT
from domain.events import TAPE, InboxStatus
from domain.inconvenient import EVERY_DAY, WEEK
from domain.language.phrases import Phrase
from domain.language.render import Entry, Part, part
from domain.persons import PersonFact
from workers.db.inbox import shown_id
from workers.db.persons import records_of_person
from workers.db.schema import (
    acknowledgement,
    borrower,
    borrower_number,
    contact_point,
    contact_point_fact,
    inbox_event,
    limitation_fact,
    loan_party,
    loan_party_change,
    past_write_off,
    person_fact,
    problem,
    representative,
    representative_wish,
    same_person_change,
)
from workers.history.loan import ExplainedLoan, by_whom_and_why, of_loan, why
from workers.history.words import typed_words


def write_off(subject: ExplainedLoan) -> Iterator[Entry]:
    """The write-off that counts."""
    if subject.written_off_on is not None:
        yield _written_off(subject)


def past_write_offs(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each write-off that was taken back, and its taking back."""
    for row in connection.execute(of_loan(past_write_off, subject)):
        yield _written_off(row)
        undone = part(Phrase.WRITE_OFF_UNDONE, taken_back_on=row.taken_back_on)
        parts = (undone, *by_whom_and_why(row.taken_back_by, typed_words(row, "taken_back_why")))
        yield Entry(row.taken_back_at, parts)


def _written_off(row: Any) -> Entry:
    written_off = part(Phrase.LOAN_WRITTEN_OFF, written_off_on=row.written_off_on)
    parts = (written_off, *by_whom_and_why(row.written_off_by, typed_words(row, "written_off_why")))
    return Entry(row.written_off_at, parts)


def acknowledgements(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each time that the borrower acknowledged the debt, with its proof."""
    recorded = of_loan(acknowledgement, subject).join(borrower).add_columns(borrower.c.external_id)
    own = set(connection.execute(records_of_person(subject.borrower_id)).scalars())
    for row in connection.execute(recorded):
        said = {"acknowledged_on": row.acknowledged_on, "proof": row.proof}
        parts = [part(Phrase.ACKNOWLEDGED, **said)]
        if row.borrower_id not in own:
            parts = [part(Phrase.ACKNOWLEDGED_BY, borrower=row.external_id, **said)]
        if row.document:
            parts.append(part(Phrase.PROOF_IS_IN, proof_document=row.document))
        parts.extend(by_whom_and_why(row.actor))
        yield Entry(row.recorded_at, tuple(parts))
        back = part(Phrase.ACKNOWLEDGEMENT_WITHDRAWN, acknowledged_on=row.acknowledged_on)
        yield from _taken_back(row, back)


def _taken_back(row: Row[*tuple[Any, ...]], said: Part) -> Iterator[Entry]:
    if row.taken_back_at is not None:
        yield Entry(row.taken_back_at, (said, *by_whom_and_why(row.taken_back_by)))


def limitation_facts(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """What interrupted or suspended the limitation period, and the ends that came in later."""
    for row in connection.execute(of_loan(limitation_fact, subject)):
        ended_later = row.end_recorded_at is not None
        dates = {"limitation_fact": row.fact, "starts_on": row.starts_on}
        parts = [part(Phrase.LIMITATION_FACT, **dates)]
        if row.ends_on is not None and not ended_later:
            parts = [part(Phrase.LIMITATION_FACT_LASTED, ends_on=row.ends_on, **dates)]
        if row.document:
            parts.append(part(Phrase.PROOF_IS_IN, proof_document=row.document))
        parts.extend(by_whom_and_why(row.actor))
        yield Entry(row.recorded_at, tuple(parts))
        if ended_later:
            parts = [part(Phrase.LIMITATION_FACT_ENDED, ends_on=row.ends_on, **dates)]
            parts.extend(by_whom_and_why(row.ended_by))
            yield Entry(row.end_recorded_at, tuple(parts))
        yield from _taken_back(row, part(Phrase.LIMITATION_FACT_WITHDRAWN, **dates))


def facts(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """What is known of the person, the numbers and the address: each fact as it came in, and as it
    ended."""
    records = records_of_person(subject.borrower_id)
    about_this = person_fact.c.loan_id.is_(None) | (person_fact.c.loan_id == subject.id)
    of_the_person = (
        select(person_fact).where(
            person_fact.c.borrower_id.in_(records),
            about_this,
            # One that was withdrawn before it was known was never true.
            person_fact.c.until.is_distinct_from(person_fact.c.since),
        )
    ).order_by(person_fact.c.id)
    known = connection.execute(of_the_person).all()
    for row in known:
        if row.kind == PersonFact.NO_CHANNEL:
            asked = part(Phrase.OPTED_OUT, channel=row.channel, source=_source(row.source))
        else:
            asked = part(Phrase.PERSON_FACT, person_fact=row.kind, source=_source(row.source))
        yield Entry(row.since, (asked, *_details(row)))
        if row.ended_at is not None:
            ended = part(Phrase.PERSON_FACT_ENDED, person_fact=row.kind, actor=row.ended_by)
            yield Entry(row.ended_at, (ended,))
    represented = [row.id for row in known if row.kind == PersonFact.REPRESENTED]
    if represented:
        yield from _representatives(connection, represented)
    numbers = (
        select(
            borrower_number.c.contact_point_id,
            func.row_number().over(order_by=borrower_number.c.position).label("place"),
            func.count().over().label("numbers"),
        )
        .where(borrower_number.c.borrower_id == subject.borrower_id)
        .subquery()
    )
    address = select(borrower.c.address_point_id).where(borrower.c.id == subject.borrower_id)
    of_the_points = (
        select(contact_point_fact, numbers.c.place, numbers.c.numbers)
        .outerjoin(numbers, numbers.c.contact_point_id == contact_point_fact.c.contact_point_id)
        .where(
            contact_point_fact.c.contact_point_id.in_(
                union_all(select(numbers.c.contact_point_id), address)
            )
        )
        .order_by(contact_point_fact.c.id)
    )
    for row in connection.execute(of_the_points):
        now_known, over = _about(row.numbers)
        which = {"place": row.place} if row.numbers and row.numbers > 1 else {}
        named = {"number_fact": row.kind, **which}
        yield Entry(row.since, (part(now_known, **named, source=_source(row.source)),))
        if row.ended_at is not None:
            yield Entry(row.ended_at, (part(over, **named, actor=row.ended_by),))


def _source(reference: str) -> Part | str:
    """Who said it: a text of the borrower, a tape, a provider of texts, or the lender's own
    reference."""
    if reference == BY_TEXT.reference:
        return part(Phrase.SAID_BY_TEXT)
    if reference == TAPE:
        return part(Phrase.SAID_BY_TAPE)
    if reference in PROVIDERS:
        return part(Phrase.SAID_BY_PROVIDER, provider=reference)
    return reference


def is_of_provider(entry: Entry) -> bool:
    """Whether it is a fact that a provider's receipt showed, and so comes after the receipt."""
    source = entry.parts[0].values.get("source")
    return isinstance(source, Part) and source.phrase is Phrase.SAID_BY_PROVIDER


def _about(numbers: int | None) -> tuple[Phrase, Phrase]:
    """The sentences for a fact about one of so many numbers and for its end; None: the address."""
    if numbers is None:
        return Phrase.ADDRESS_FACT, Phrase.ADDRESS_FACT_ENDED
    if numbers == 1:
        return Phrase.NUMBER_FACT, Phrase.NUMBER_FACT_ENDED
    return Phrase.NUMBER_FACT_OF_SEVERAL, Phrase.NUMBER_FACT_OF_SEVERAL_ENDED


def _details(row: Any) -> Iterator[Part]:
    """What a fact of a person says beside its kind."""
    if row.times is not None:
        starts, ends = row.times["starts"], row.times["ends"]
        days = row.times["days"] if len(row.times["days"]) < len(WEEK) else [EVERY_DAY]
        yield part(
            Phrase.AT_THESE_HOURS,
            weekdays=tuple(days),
            starts=starts,
            ends="24:00" if ends == "00:00" else ends,
        )
    if row.place is not None:
        yield part(Phrase.AT_THIS_LOCATION, location=row.place)
    if row.locale is not None:
        yield part(Phrase.IN_THIS_LANGUAGE, language=row.locale)
    if row.channel is not None and row.kind != PersonFact.NO_CHANNEL:
        yield part(Phrase.ONLY_BY_CHANNEL, channel=row.channel)
    if row.until is not None:
        yield part(Phrase.COUNTS_UNTIL, until=row.until)
    if getattr(row, "loan_id", None) is not None:
        yield part(Phrase.ONLY_THIS_DEBT)


def parties(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Who became party to the loan, and who was it no longer."""
    rows = connection.execute(
        select(loan_party_change, loan_party.c.role, borrower.c.external_id.label("other"))
        .join(loan_party, loan_party.c.id == loan_party_change.c.loan_party_id)
        .join(borrower, borrower.c.id == loan_party.c.borrower_id)
        .where(loan_party.c.loan_id == subject.id)
        .order_by(loan_party_change.c.id)
    )
    for row in rows:
        phrase = Phrase.PARTY_BEGINS if row.is_party else Phrase.PARTY_ENDED
        yield Entry(
            row.at, (part(phrase, other=row.other, party=row.role, source=_source(row.source)),)
        )


_ACTING = ("kind", "contacted", "since", "ended_at", "phone_blind_index")


def _representatives(connection: Connection, facts: Sequence[int]) -> Iterator[Entry]:
    """Who acts for the person, as it became known."""
    rows = connection.execute(
        select(*(representative.c[name] for name in _ACTING))
        .where(representative.c.person_fact_id.in_(facts))
        .order_by(representative.c.id)
    )
    for row in rows:
        acts = part(Phrase.REPRESENTATIVE, representative=row.kind, contacted=str(row.contacted))
        yield Entry(row.since, (acts,))
        if row.phone_blind_index is not None:
            yield from _wishes(connection, row)


def _wishes(connection: Connection, acting: Any) -> Iterator[Entry]:
    """The wishes of a representative of the person, as long as they act for them."""
    wish = representative_wish.c
    while_acting = or_(wish.ended_at.is_(None), wish.ended_at > acting.since)
    known = (
        select(representative_wish)
        .join(contact_point, contact_point.c.id == wish.contact_point_id)
        .where(contact_point.c.blind_index == acting.phone_blind_index, while_acting)
        .order_by(wish.id)
    )
    for row in connection.execute(known):
        said = {"representative": acting.kind, "person_fact": row.kind}
        until = acting.ended_at
        if until is None or row.since < until:
            begins = part(Phrase.REPRESENTATIVE_WISH, **said, source=_source(row.source))
            yield Entry(max(row.since, acting.since), (begins, *_details(row)))
        if row.ended_at is not None and (until is None or row.ended_at < until):
            yield Entry(row.ended_at, (part(Phrase.REPRESENTATIVE_WISH_ENDED, **said),))


def same_person(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Which records counted as one person with the borrower, and who confirmed or parted them."""
    change, one, other = same_person_change, borrower.alias("one"), borrower.alias("other")
    # A list, because no index serves `IN (SELECT …) OR IN (SELECT …)`.
    records = list(connection.execute(records_of_person(subject.borrower_id)).scalars())
    rows = connection.execute(
        select(change, one.c.external_id.label("borrower"), other.c.external_id.label("other"))
        .join(one, one.c.id == change.c.borrower_id)
        .join(other, other.c.id == change.c.other_id)
        .where(change.c.borrower_id.in_(records) | change.c.other_id.in_(records))
        .order_by(change.c.id)
    )
    for row in rows:
        named = {"borrower": row.borrower, "other": row.other}
        if row.actor is not None:
            named["actor"] = row.actor
        text = part(Phrase(f"same_person_{row.status}"), **named)
        said = by_whom_and_why(None, typed_words(row))
        yield Entry(row.at, (text, *why(row.reason), *said))


def problems(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each problem when it was found, and when it was put right."""
    rows = connection.execute(
        of_loan(problem, subject)
        .outerjoin(loan_party, loan_party.c.id == problem.c.party_id)
        .outerjoin(borrower, borrower.c.id == loan_party.c.borrower_id)
        .add_columns(loan_party.c.role, borrower.c.external_id.label("other"))
    )
    for row in rows:
        whose = (
            () if row.role is None else (part(Phrase.OF_PARTY, party=row.role, other=row.other),)
        )
        found = part(Phrase.PROBLEM, problem=row.kind, detail=row.detail)
        yield Entry(row.found_at, (found, *whose))
        if row.resolved_at is not None:
            said = by_whom_and_why(None, typed_words(row))
            yield Entry(row.resolved_at, (_resolved(row.kind, row.actor), *whose, *said))


EVENT = {
    InboxStatus.RECEIVED: Phrase.EVENT_WAITS,
    InboxStatus.REJECTED: Phrase.EVENT_REJECTED,
    InboxStatus.DISCARDED: Phrase.EVENT_DISCARDED,
}


def _resolved(kind: str, actor: str | None) -> Part:
    if actor is None:
        return part(Phrase.PROBLEM_RESOLVED, problem=kind)
    return part(Phrase.PROBLEM_RESOLVED_BY, problem=kind, resolved_by=actor)


def events(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Events that name the loan and changed nothing; what an applied one did has its own entry."""
    rows = connection.execute(
        select(inbox_event, shown_id(inbox_event).label("shown"))
        .where(
            inbox_event.c.status.in_(EVENT),
            inbox_event.c.payload["loan"].astext == subject.external_id,
        )
        .order_by(inbox_event.c.id)
    )
    for row in rows:
        text = part(EVENT[row.status], event_kind=row.kind, event_id=row.shown)
        yield Entry(row.received_at, (text, *why(row.reason)))
