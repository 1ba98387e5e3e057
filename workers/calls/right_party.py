"""Confirm who is on the line, or at the door: answers are compared with what is on record, and
never shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from domain.actors import Actor, ActorKind
from domain.collectors import business_day
from domain.compliance.vocabulary import Party
from domain.errors import ArrearsError, NotKnownError, NotPermittedError, text_of
from domain.events import sender_of
from domain.next_work import work_policy_on
from domain.parties import ROLES
from domain.permissions import Permission
from domain.right_party import Question, asked_of, check
from workers.access.may_handle import assert_may_handle
from workers.access.permitted import permitted
from workers.context import Context
from workers.db import party_checks
from workers.db.party_checks import PartyCheck, StartedContact
from workers.db.schema import borrower

CONFIRMED_THEMSELVES = frozenset({Party.BORROWER, *ROLES})
"""Who can be confirmed. Who acts for a person, and a third party, are somebody else."""


@dataclass(frozen=True, slots=True)
class RightParty:
    """What came of the answers. It has none of them, and nothing of what is on record."""

    confirmed: bool
    matched: Mapping[Question, bool]
    """Of each question that was answered, whether the answer is right."""
    needed: int
    """How many right answers confirm somebody."""
    tries_left: int
    """How often a wrong answer may be given again today."""


_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('party_check', :person_id))")


@permitted(Permission.CONFIRM_PARTIES)
def confirm_right_party(
    ctx: Context, attempt: str, answers: Mapping[str, str], collector: str | None = None
) -> RightParty:
    """Compare what somebody says in a call or a visit with what is on record of the person.

    `answers` are by question: `name`, `address_numbers`, `postcode`, `other_number`. The policy of
    the worklist says which may be asked and how many must be right; at their door nobody is asked
    for the address, unless too little else is on record: then all must be right. Once the person
    is confirmed in a call, nothing more is compared in it: the answer is that of the check on
    record. `attempt` may also be a contact that the person began today, and that was recorded by
    whoever asks. Each check is on record: who, when, which questions, which were right; never an
    answer. A machine names the `collector`.

    Raises:
        NotPermittedError: a colleague started the call.
        RefusedError: the collector must not handle the person.
        ArrearsError: no such call was started, or it is over; it is with somebody else than the
            person; the questions are not asked here, or are too few; too little is on record; or
            wrong answers were given too often today.
    """
    now = ctx.now()
    terms = work_policy_on(ctx.policy.worklist, now.date()).right_party
    actor = Actor(collector) if ctx.actor.kind is ActorKind.MACHINE and collector else ctx.actor
    with ctx.engine.begin() as connection:
        started = _started(connection, attempt, sender_of(ctx.actor), actor, now)
        of_person = borrower.c.person_id == started.person_id
        assert_may_handle(connection, actor, of_person)
        connection.execute(_ONE_AT_A_TIME, {"person_id": started.person_id})
        since = business_day(now).starts_at
        wrong = party_checks.wrong_since(connection, started.person_id, since)
        if (passed := _passed(connection, started)) is not None:
            return _again(passed, terms.tries - wrong)
        if wrong >= terms.tries:
            raise ArrearsError(
                "Wrong answers were given {tries} time(s) today about the person of {attempt}. "
                "Say nothing of the debt, and end the conversation.",
                attempt=attempt,
                tries=wrong,
            )
        on_record = party_checks.read_on_record(
            connection, ctx.cipher, started, started.number_blind_index
        )
        known, needed = asked_of(
            on_record,
            terms.questions,
            terms.at_least,
            at_their_address=started.at_their_address,
        )
        if len(known) < needed:
            raise ArrearsError(
                "Too little is on record of the person of {attempt} to confirm anybody: {known}, "
                "and {needed} right answers are needed. Say nothing of the debt; ask a supervisor.",
                attempt=attempt,
                known=list(known) or text_of("nothing"),
                needed=needed,
            )
        given = _read_answers(answers, known, needed)
        matched, confirmed = check(on_record, given, needed)
        right = [question for question, is_right in matched.items() if is_right]
        party_checks.note_check(connection, started, actor, now, list(given), right, needed)
    left = terms.tries - wrong - (len(right) < len(given))
    return RightParty(confirmed, matched, needed, max(left, 0))


def _passed(connection: Connection, started: StartedContact) -> PartyCheck | None:
    """The check in which the person was confirmed in this call or visit."""
    checks = party_checks.checks_of_attempt(connection, started.id)
    return next((check for check in checks if check.passed), None)


def _again(passed: PartyCheck, left: int) -> RightParty:
    """What is on record of the check, whatever is answered now: that is compared with nothing."""
    matched = {Question(each): each in passed.matched for each in passed.questions}
    return RightParty(True, matched, passed.at_least, max(left, 0))


def _read_answers(
    answers: Mapping[str, str], asked: Sequence[Question], at_least: int
) -> dict[Question, str]:
    unknown = sorted(answers.keys() - set(asked))
    if unknown:
        raise ArrearsError(
            "{unknown} is not asked here. Ask one of these: {questions}.",
            unknown=list(unknown),
            questions=list(asked),
        )
    given = {Question(name): answer for name, answer in answers.items() if answer.strip()}
    if len(given) < at_least:
        raise ArrearsError(
            "{count} answer(s) are too few to confirm somebody. Ask at least {needed} of these: "
            "{questions}.",
            count=len(given),
            needed=at_least,
            questions=list(asked),
        )
    return given


def _goes_on(started: StartedContact, now: datetime) -> bool:
    """Whether somebody may be on the line. A contact that the person began is on record at once,
    with its outcome: so it counts for its day."""
    if started.inbound:
        return started.at >= business_day(now).starts_at
    return not started.has_outcome


def _started(
    connection: Connection, attempt: str, sender: str, actor: Actor, now: datetime
) -> StartedContact:
    started = party_checks.read_started(connection, attempt, sender)
    if started is None or not _goes_on(started, now):
        refused = NotKnownError if started is None else ArrearsError
        raise refused(
            "No call and no visit {attempt} is going on. Start it first, and name its id.",
            attempt=attempt,
        )
    if actor.reference not in started.by:
        raise NotPermittedError(
            "{attempt} is another collector's. They confirm who is there.",
            attempt=attempt,
        )
    if started.party not in CONFIRMED_THEMSELVES:
        raise ArrearsError(
            "{attempt} is with somebody else than the person. Say nothing of the debt that is not "
            "theirs to know.",
            attempt=attempt,
        )
    return started
