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
    at: Annotated[Moment, LATELY]
    actor: Staff


class StaffBackFacts(EventData):
    """Somebody who was absent works again, or an absence or a departure that is to come is not."""

    staff: Staff
    actor: Staff
    starts_at: Moment | None = None
    """The beginning of what is to come and is taken back; null: they work again from now on."""
