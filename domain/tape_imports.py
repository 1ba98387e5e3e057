"""The statuses of the import of a loan tape."""

from enum import StrEnum


class TapeImportStatus(StrEnum):
    """How far an import has come."""

    MERGING = "merging"  # its loans change; if nothing runs, it was interrupted
    FINISHED = "finished"
    SUPERSEDED = "superseded"  # it was interrupted, and later imports brought all its loans
    ABANDONED = "abandoned"  # it was interrupted, and a person gave up what it had left


TAPE_IMPORT_MOVES: dict[TapeImportStatus, frozenset[TapeImportStatus]] = {
    TapeImportStatus.MERGING: frozenset(set(TapeImportStatus) - {TapeImportStatus.MERGING}),
    TapeImportStatus.FINISHED: frozenset(),
    TapeImportStatus.SUPERSEDED: frozenset(),
    TapeImportStatus.ABANDONED: frozenset(),
}
