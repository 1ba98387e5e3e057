"""What verification of the evidence can find."""

from dataclasses import dataclass
from enum import StrEnum


class Defect(StrEnum):
    """The defects that verification can find."""

    CHANGED = "changed"  # the row, or the link before it, was changed
    MISSING = "missing"  # its link exists, but the row does not
    UNLINKED = "unlinked"  # the row has no link and is not queued for one
    GAP = "gap"  # a link of the chain is missing
    HEAD = "head"  # the links are not those that the head covers
    NO_SUCH_HEAD = "no_such_head"  # a head that was noted outside is not on record
    WAITS = "waits"  # the row has waited too long for its link: nothing chains
    SET_ASIDE = "set_aside"  # what was queued for a link could not have one
    FILE = "file"  # a line of the file of heads is not what was written


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect. It has no personal data."""

    defect: Defect
    kind: str
    """The table."""
    row_id: int
    loan: str | None
    """The lender's id of the loan, if it is about one."""
