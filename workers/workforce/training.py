"""Whose training and certificates end soon: without them nobody may do the work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, or_, select

from domain.collectors import years_after
from domain.permissions import NEED_TRAINING, Permission
from domain.staffing import StaffingTerms, terms_on
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.pages import ALL, Asked, Page, assert_of, page_of
from workers.db.schema import certificate, staff

SOON = 30
"""Days before the end of a training or a certificate from which it is worth a look."""


@dataclass(frozen=True, slots=True)
class TrainingDue:
    """What somebody needs for their work, and what ends soon, has ended or was never there."""

    staff: str
    roles: Sequence[str]
    certificate: str | None
    """None: it is the yearly training."""
    last_day: date | None
    """The last day on which it counts; None: there is none, as far as is known."""
    over: bool
    """Whether it does not count today."""


@permitted(Permission.READ_QUALITY)
def training_due(
    connection: Connection, ctx: Context, days: int, asked: Asked = ALL
) -> Page[TrainingDue]:
    """What runs out within so many days, the soonest first: the training of who contacts borrowers,
    and certificates; and certificates that a skill needs and that were never there. It is counted
    by whether it is `over` or ends `soon`.

    Raises:
        ArrearsError: the page is of another list.
    """
    assert_of((_LIST,), asked)
    found = find_training_due(connection, ctx.policy.staffing, ctx.today(), days)
    return page_of(_LIST, found, lambda each: "over" if each.over else "soon", asked, _key)


_LIST = "training"


def _key(due: TrainingDue) -> tuple[str, ...]:
    last_day = due.last_day.isoformat() if due.last_day else ""
    return last_day, due.staff, due.certificate or ""


def find_training_due(
    connection: Connection, staffing: Sequence[StaffingTerms], today: date, days: int
) -> list[TrainingDue]:
    """`training_due` for the status, which names nobody. Two statements."""
    needed = terms_on(staffing, today).certificates
    here = select(staff).where(or_(staff.c.left_on.is_(None), staff.c.left_on > today))
    members = connection.execute(here).all()
    valid: dict[int, dict[str | None, date | None]] = {}
    for row in connection.execute(select(certificate)):
        valid.setdefault(row.staff_id, {})[row.kind] = row.valid_until
    due = []
    for member in members:
        ends: dict[str | None, date | None] = {
            needed[skill]: None for skill in member.skills or () if skill in needed
        }
        ends |= valid.get(member.id, {})
        if NEED_TRAINING & set(member.roles):
            ends[None] = years_after(member.trained_on, 1) if member.trained_on else None
        for kind, last_day in ends.items():
            if last_day is None or last_day < today + timedelta(days):
                over = last_day is None or last_day < today
                due.append(TrainingDue(member.external_id, member.roles, kind, last_day, over))
    return sorted(due, key=_key)
