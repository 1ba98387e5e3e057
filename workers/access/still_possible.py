"""What a request asks for may have become impossible, or may be done, before somebody grants it.

Whoever asked passed every check of the use case; the use case makes them all again when it is
carried out. Here is asked what a person must know before they grant: whether it would still do
anything.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, Table, exists, select

from domain.actions import ActionStatus
from domain.arrangements import ArrangementStatus
from domain.disputes import OPEN, Matter
from domain.errors import Text, text_of
from domain.permissions import Permission
from domain.reasons import ReasonCode, because
from domain.second_person_text import Spoken
from workers.access.secrets import digest_in
from workers.db.schema import (
    action,
    arrangement,
    borrower,
    complaint,
    dispute,
    hold,
    loan,
    promise,
    recovery_step,
    roster_version,
    sending_hold,
    staff,
    token,
)

_S = ArrangementStatus
_MATTERS: Mapping[str, Table] = {Matter.DISPUTE: dispute, Matter.COMPLAINT: complaint}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class AskedFor:
    """A request, as far as it decides whether it can still be carried out."""

    permission: Permission
    lines: tuple[Text, ...]
    asked_by: str
    asked_at: datetime
    """In the lender's zone."""

    @property
    def code(self) -> ReasonCode | None:
        """The reason that its first line says, if it is one."""
        what = self.lines[0].values.get("what")
        return what.reasons[0].code if isinstance(what, Spoken) else None

    @property
    def facts(self) -> Mapping[str, str]:
        """Each fact below it, as it is said in English."""
        return {
            str(line.values["name"]): str(line.values["value"])
            for line in self.lines[1:]
            if line.values.keys() >= {"name", "value"}
        }


DONE = text_of("It is done already.")


def why_no_longer(connection: Connection, asked: AskedFor, now: datetime) -> Text | None:
    """Why what a request asks for is not possible any more, or done already; None: it can be done.

    Nothing is locked: whoever carries it out is checked again.
    """
    return CHECKS[asked.permission](connection, asked, now)


def _nothing(connection: Connection, asked: AskedFor, now: datetime) -> None:
    """It can be done at any time, and again."""


def _write_off(connection: Connection, asked: AskedFor, now: datetime) -> Text | None:
    written_off = connection.execute(
        select(loan.c.written_off_on.is_not(None)).where(
            loan.c.external_id == asked.facts.get("loan")
        )
    ).scalar()
    becomes = {ReasonCode.WRITE_OFF_RECORDED: True, ReasonCode.WRITE_OFF_TAKEN_BACK: False}
    is_done = asked.code is not None and becomes.get(asked.code) is written_off
    return DONE if is_done else None


_ENDS_ACCEPTED = (
    ReasonCode.ACCEPTED_NEEDS_SUPERVISOR,
    ReasonCode.WITHDRAWAL_NEEDS_SUPERVISOR,
)


def _arrangement(connection: Connection, asked: AskedFor, now: datetime) -> Text | None:
    named = asked.facts.get("arrangement")
    of = arrangement.join(loan, loan.c.id == arrangement.c.loan_id)
    row = connection.execute(
        select(arrangement.c.status, arrangement.c.quote_digest, arrangement.c.offered_by)
        .select_from(of)
        .where(arrangement.c.external_id == named, loan.c.external_id == asked.facts.get("loan"))
        .order_by(arrangement.c.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    ends = asked.code in _ENDS_ACCEPTED
    if row.status not in ((_S.ACCEPTED,) if ends else (_S.REQUESTED, _S.OFFERED)):
        stands = {"arrangement": named, "arrangement_status": row.status}
        why = because(ReasonCode.ARRANGEMENT_STANDS_OTHERWISE, **stands)
        return Text("{what}", {"what": Spoken(why)})
    if ends:
        return None
    quoted = (row.quote_digest, row.offered_by)
    if row.status == _S.OFFERED and quoted == (
        asked.facts.get("digest of the quote"),
        asked.asked_by,
    ):
        return DONE
    if asked.asked_at.date() < now.date():
        return text_of(
            "The quote was calculated on {on}, and means something else today.",
            on=asked.asked_at.date(),
        )
    return None


def _promise(connection: Connection, asked: AskedFor, now: datetime) -> Text | None:
    named, of = asked.facts.get("promise"), asked.facts.get("loan")
    its = promise.join(loan, loan.c.id == promise.c.loan_id)
    row = connection.execute(
        select(promise.c.was_made)
        .select_from(its)
        .where(promise.c.external_id == named, loan.c.external_id == of)
        .order_by(promise.c.id.desc())
        .limit(1)
    ).one_or_none()
    if asked.code is ReasonCode.MISTAKE_NEEDS_SUPERVISOR:
        return DONE if row is not None and row.was_made is False else None
    if row is not None:
        return DONE
    if _is(connection, loan.c.external_id == of, loan.c.written_off_on.is_not(None)):
        return text_of("Loan {loan} is written off by now.", loan=of)
    days = [date.fromisoformat(day) for day in _DAY.findall(asked.facts.get("parts", ""))]
    return _over(min(days, default=None), now)


def _hold(connection: Connection, asked: AskedFor, now: datetime) -> Text | None:
    if _is(connection, hold.c.external_id == asked.facts.get("hold")):
        return DONE
    last = _DAY.fullmatch(asked.facts.get("until", ""))
    return _over(date.fromisoformat(last[0]) if last else None, now)


def _over(day: date | None, now: datetime) -> Text | None:
    if day is None or day >= now.date():
        return None
    return text_of("{day} has passed.", day=day)


def _approval(connection: Connection, asked: AskedFor, now: datetime) -> Text | None:
    action_id = asked.facts.get("action", "")
    waits = action.c.status == ActionStatus.AWAITING_APPROVAL
    if not action_id.isdigit() or _is(connection, action.c.id == int(action_id), waits):
        return None
    return text_of("The item waits for no approval any more.")


def _extension(connection: Connection, asked: AskedFor, now: datetime) -> Text | None:
    matter, _, id = asked.facts.get("of", "").partition(" ")
    table = _MATTERS.get(matter)
    if table is None:
        return None
    row = connection.execute(
        select(table.c.status)
        .join(loan, loan.c.id == table.c.loan_id)
        .where(table.c.external_id == id, loan.c.external_id == asked.facts.get("loan"))
        .order_by(table.c.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None or row.status in OPEN:
        return None
    return text_of("The {matter} {id} is decided by now.", matter=matter, id=id)


def _resuming(connection: Connection, asked: AskedFor, now: datetime) -> Text | None:
    """Sending is resumed, or a recovery goes on without a step."""
    id = asked.facts.get("hold", "")
    of_hold = sending_hold.c.resumed_at.is_not(None)
    if id.isdigit() and _is(connection, sending_hold.c.id == int(id), of_hold):
        return DONE
    recovery_id, step = asked.facts.get("recovery", ""), asked.facts.get("step")
    if not recovery_id.isdigit() or step is None:
        return None
    of_step = recovery_step.c
    over = (
        of_step.recovery_id == int(recovery_id),
        of_step.step == step,
        of_step.subject == asked.facts.get("of", ""),
        of_step.status != "open",
    )
    return DONE if _is(connection, *over) else None


def _erased(connection: Connection, asked: AskedFor, now: datetime) -> Text | None:
    named = borrower.c.external_id == asked.facts.get("borrower")
    if not _is(connection, named, borrower.c.erased_at.is_not(None)):
        return None
    return text_of("The data of the person are erased by now.")


def _access(connection: Connection, asked: AskedFor, now: datetime) -> Text | None:
    fingerprint = asked.facts.get("fingerprint")
    if fingerprint is None:
        return None
    return DONE if _is(connection, token.c.digest == digest_in(fingerprint)) else None


def _roster(connection: Connection, asked: AskedFor, now: datetime) -> Text | None:
    """A roster is loaded, or a departure is noted."""
    if asked.code is ReasonCode.DEPARTURE_NEEDS_ADMINISTRATOR:
        left = staff.c.left_on <= date.fromisoformat(asked.facts["left_on"])
        return DONE if _is(connection, staff.c.external_id == asked.facts["staff"], left) else None
    if not _is(connection, roster_version.c.loaded_at > asked.asked_at):
        return None
    return text_of("Another roster was loaded since, so it would change something else.")


def _is(connection: Connection, *conditions: ColumnElement[bool]) -> bool:
    return bool(connection.execute(select(exists().where(*conditions))).scalar_one())


_Check = Callable[[Connection, AskedFor, datetime], Text | None]
CHECKS: Mapping[Permission, _Check] = {
    Permission.DECIDE_APPROVALS: _approval,
    Permission.WRITE_OFF: _write_off,
    Permission.AGREE_BEYOND: _arrangement,
    Permission.AGREE_TO_PROMISES: _promise,
    Permission.AGREE_TO_HOLDS: _hold,
    Permission.EXTEND_ANSWERS: _extension,
    Permission.RESUME_SENDING: _resuming,
    Permission.EXPORT_DATA: _erased,
    Permission.ERASE_DATA: _erased,
    Permission.CHANGE_ROSTER: _roster,
    Permission.CHANGE_ACCESS: _access,
    Permission.ROTATE_KEYS: _nothing,
}
"""By what is asked for, what may have happened meanwhile."""
