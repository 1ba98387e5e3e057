"""What the command line says of an import of a tape that is not finished."""

from workers.cli.language import say
from workers.tapes.imports import UnfinishedImport


def import_is_unfinished(left: UnfinishedImport) -> str:
    """A sentence on an import that is not finished, and what to do."""
    of = {"number": left.number, "file": left.file, "as_of": left.as_of}
    if left.is_running:
        return say(
            "Import {number}, {file} as of {as_of}, is under way: nobody is contacted about the "
            "loans that it has left.",
            **of,
        )
    return say(
        "Import {number}, {file} as of {as_of}, was interrupted: nobody is contacted about the "
        "loans that it has left, nor about other loans of the same persons. Import the same tape "
        "again, or give up the rest with `arrears tape abandon {number}`.",
        **of,
    )
