"""What happens to staff during a day, as the lender's own systems know it."""

from typing import Annotated, Literal

from domain.staffing import AbsenceKind
from workers.inbox.event_data.fields import LATELY, EventData, Moment, Staff


class StaffAbsentFacts(EventData):
    """Somebody does not work from a moment on."""

    staff: Staff
    kind: Literal[AbsenceKind.ILLNESS, AbsenceKind.LEAVE, AbsenceKind.OTHER]
    at: Annotated[Moment, LATELY]
    until: Moment | None = None
    """Null: it is not known yet."""
    actor: Staff


class StaffLeftFacts(EventData):
    """Somebody works for the lender no longer."""

    staff: Staff
    at: Moment
    actor: Staff


class StaffBackFacts(EventData):
    """Somebody who was absent works again."""

    staff: Staff
    actor: Staff
