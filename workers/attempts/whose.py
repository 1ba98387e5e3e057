"""Who reports the outcome of a call or a visit: who made it, who took it over, or a supervisor."""

from datetime import date
from typing import Protocol

from sqlalchemy import Connection, text

from domain.actors import Actor, Role
from domain.errors import ArrearsError
from domain.events import STAFF, RejectedError
from domain.reasons import ReasonCode
from workers.db.prepared_statements import prepared
from workers.db.staff import roles_of


class Report(Protocol):
    """A report of a person, or of a system of the lender's."""

    @property
    def attempt(self) -> str: ...
    @property
    def actor(self) -> str: ...
    @property
    def sender(self) -> str: ...


class Made(Protocol):
    """A call or a visit that was started."""

    @property
    def id(self) -> int: ...
    @property
    def actor(self) -> str | None: ...


_MAKES_IT = prepared(
    text("""
SELECT EXISTS (SELECT FROM visit v JOIN visit_staff w ON w.visit_id = v.id
                JOIN staff s ON s.id = w.staff_id
               WHERE v.contact_id = :of_contact AND s.external_id = :actor)
    OR EXISTS (SELECT FROM contact c JOIN call k ON k.action_id = c.action_id
                JOIN call p ON k.id IN (p.id, p.part_of) OR k.part_of IN (p.id, p.part_of)
                JOIN work_lease l ON l.call_id = p.id
                JOIN work_takeover t ON t.work_lease_id = l.id
               WHERE c.id = :of_contact AND t.at >= c.at AND t.given_to = :actor)
    OR EXISTS (SELECT FROM contact c JOIN call k ON k.action_id = c.action_id
                JOIN staff s ON s.id = k.staff_id
               WHERE c.id = :of_contact AND k.cancelled_at IS NULL AND k.assigned_at > c.at
                 AND s.external_id = :actor)
""")
)


def assert_theirs(connection: Connection, report: Report, made: Made, today: date) -> None:
    """Check that a person reports the outcome of their own call or visit.

    It is theirs if they started it, are one of its visitors, or took it over since, or the call was
    handed on to them. A supervisor may report it for a colleague. A system of the lender's, such as
    a dialer, names who called.

    Raises:
        RejectedError: it is a colleague's.
    """
    if report.sender != STAFF or report.actor == made.actor:
        return
    asked = {"of_contact": made.id, "actor": report.actor}
    if connection.execute(_MAKES_IT, asked).scalar() or _supervises(connection, report, today):
        return
    raise RejectedError(ReasonCode.OUTCOME_OF_COLLEAGUE, attempt=report.attempt)


def _supervises(connection: Connection, report: Report, today: date) -> bool:
    try:
        return Role.SUPERVISOR in roles_of(connection, Actor(report.actor), today)
    except ArrearsError:
        return False
