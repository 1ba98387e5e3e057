"""Who of the staff is away."""

from domain.permissions import Permission
from workers.inbox import handlers
from workers.inbox.event_data import staff
from workers.inbox.event_kind import NOBODY, EventKind

KINDS = (
    # They name nobody of the borrowers.
    EventKind(
        "staff_absent",
        handlers.apply_staff_absent,
        NOBODY,
        Permission.NOTE_ABSENCES,
        staff.StaffAbsentFacts,
    ),
    EventKind(
        "staff_left",
        handlers.apply_staff_left,
        NOBODY,
        Permission.NOTE_ABSENCES,
        staff.StaffLeftFacts,
    ),
    EventKind(
        "staff_back",
        handlers.apply_staff_back,
        NOBODY,
        Permission.NOTE_ABSENCES,
        staff.StaffBackFacts,
    ),
)
