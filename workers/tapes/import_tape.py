"""Imports a loan tape: checks it whole, names what is to change, merges it in short transactions.

Until the file is checked, nothing is locked and nothing is changed. Then each loan changes
atomically, some hundred in each transaction. An import that is interrupted says so
(`workers/tapes/imports.py`), and the same command finishes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from pathlib import Path

from config.readers.tape_mapping import Absent as AbsentMeans
from config.readers.tape_mapping import Field, TapeMapping
from domain.errors import ArrearsError
from domain.permissions import Permission
from workers.access.permitted import permitted
from workers.context import Context
from workers.tapes.absent import (
    ASKED_FROM,
    Absent,
)
from workers.tapes.check_tape import TapeCheck
from workers.tapes.csv_lines import Layout, read_header, read_layout
from workers.tapes.imports import refuse_older, unfinished_imports
from workers.tapes.known_values import KnownValues, known_values
from workers.tapes.locks import import_session
from workers.tapes.merge_tape import TapeMerge
from workers.tapes.progress import Progress, no_progress
from workers.tapes.read_row import mapping_of_tape
from workers.tapes.reading_basis import reading_basis
from workers.tapes.rejects import Rejects, Say, in_english
from workers.tapes.row_errors import RowError
from workers.tapes.stage_rows import RowStager
from workers.tapes.staged_file import StagedFile
from workers.tapes.status_comparison import StatusComparison, StatusTally

NONE_ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The result of the import of a tape."""

    taken: int
    """Good rows. They were imported if `kept`."""
    changed: int
    """Loans that are new or changed; 0 if nothing was merged."""
    rejected: int
    """Rows."""
    errors: int
    """Of the rejected rows: each has one or more."""
    kept: bool
    """Whether anything was imported at all."""
    first_errors: tuple[RowError, ...]
    rejects_file: Path | None
    statuses: StatusComparison | None
    """The lender's own statuses against those by days past due, if the tape has them."""
    problems: Mapping[str, int]
    """How many good rows have each kind of problem; nothing is done about a loan with no ladder."""
    showing_less: int
    """Loans of which the tape shows less paid than is recorded. The recorded amount was kept."""
    unused_columns: tuple[str, ...]
    """Columns of the tape that the mapping does not name."""
    unchanged: int
    """Of `taken`, the rows that are the same as the last ones of their loans: not read again."""
    absent: Absent = NONE_ABSENT
    """The loans that the tape leaves out; none if it is a part of the book."""
    too_many_absent: bool = False
    """More than the mapping allows: nothing was imported."""


@permitted(Permission.IMPORT_TAPES)
def import_tape(
    ctx: Context,
    path: Path,
    mapping: TapeMapping,
    *,
    as_of: date,
    keep_good: bool = False,
    dry_run: bool = False,
    part: bool = False,
    many_absent: bool = False,
    rejects_path: Path | None = None,
    language: str = "en",
    say: Say = in_english,
    progress: Progress = no_progress,
) -> ImportReport:
    """Import a tape, in constant memory.

    `as_of` is the business date of the tape: it contains the payments booked before that date. With
    one wrong row nothing is imported, unless `keep_good`. Rejected rows are written to
    `rejects_path`, by default beside the tape, in this
    language, in which `say` gives each text. A loan is identified by its external id: importing
    the same tape again changes nothing, and a newer tape brings the loans up to date.

    The loans that it leaves out are noted as absent, unless it is a `part` of the book. If they are
    more than the mapping allows, nothing is imported, unless `many_absent`.

    If it is interrupted, each loan is as before or as after. The same call then merges the rest.

    Raises:
        TapeError: the file as a whole cannot be read.
        ArrearsError: the tape has no rows, its date is in the future or before that of one that was
            interrupted, the mapping names a locale without templates, or somebody else has locked
            a loan for minutes.
    """
    _refuse_future_date(as_of, ctx.today())
    known = known_values(ctx.policy, ctx.templates)
    _refuse_locale_without_templates(mapping, known)
    mapping = mapping_of_tape(mapping, path, read_header(path, mapping.formats))
    layout = read_layout(path, mapping.names_read(), mapping.formats)
    rejects_to = rejects_path or path.with_suffix(".rejects.csv")
    if rejects_to.resolve() == path.resolve():
        raise ArrearsError(
            "The rejected rows would replace the tape {path}. Name another file.", path=path
        )
    with (
        Rejects(rejects_to, language, say) as rejects,
        import_session(ctx.engine) as connection,
        StagedFile() as staged,
    ):
        with connection.begin():
            refuse_older(unfinished_imports(connection), as_of)
        stager = _stager(ctx, layout, mapping, as_of, known)
        check = TapeCheck(connection, stager, staged, progress)
        check.run()
        errors = check.reject(rejects)
        is_part = part or mapping.absent is AbsentMeans.PART
        absent = NONE_ABSENT if is_part else check.find_absent()
        too_many = not many_absent and _are_too_many(absent, mapping)
        is_right = check.taken > 0 and (keep_good or not rejects.count)
        kept = not dry_run and is_right and not too_many
        merging = TapeMerge(ctx, connection, stager, staged, progress)
        to_merge = check.taken - check.unchanged
        if kept:
            import_id = merging.begin(check.taken, rejects.count)
            merging.merge(import_id, to_merge)
            if absent.loans:
                merging.note_absent(absent.loans)
            merging.finish(import_id, check.unchanged, is_whole=not is_part)
        elif check.taken and dry_run:
            merging.merge(None, to_merge)
    if not check.taken and not rejects.count:
        raise ArrearsError(
            "{path} has no rows below its header. Check that the tape is whole.", path=path
        )
    tally = StatusTally(mapping.statuses, as_of, check.statuses) if mapping.statuses else None
    return ImportReport(
        taken=check.taken,
        changed=merging.changed,
        rejected=rejects.count,
        errors=rejects.errors,
        kept=kept,
        first_errors=tuple(errors),
        rejects_file=rejects.path if rejects.count else None,
        statuses=tally.result() if tally else None,
        problems=+check.problems,
        showing_less=merging.showing_less,
        unused_columns=tuple(c for c in layout.header if c not in mapping.names_read()),
        unchanged=check.unchanged,
        absent=absent,
        too_many_absent=too_many,
    )


def _are_too_many(absent: Absent, mapping: TapeMapping) -> bool:
    return absent.loans > ASKED_FROM and absent.loans > mapping.absent_at_most * absent.expected


def _refuse_future_date(as_of: date, today: date) -> None:
    if as_of > today:
        raise ArrearsError(
            "The tape cannot stand for {as_of}: today is {today}. Name the day it was "
            "cut on; payments booked before that day are taken to be in it.",
            as_of=as_of,
            today=today,
        )


def _refuse_locale_without_templates(mapping: TapeMapping, known: KnownValues) -> None:
    """A constant is wrong in the mapping, and not in each row of the tape."""
    locale = mapping.constants.get(Field.LOCALE)
    if locale is not None and not known.has_templates(locale):
        raise ArrearsError(
            "{where}: There are no templates in the locale {locale}. Write one "
            "of {locales}, or add templates for it.",
            where=mapping.constants_from[Field.LOCALE],
            locale=locale,
            locales=", ".join(known.locales),
        )


def _stager(
    ctx: Context, layout: Layout, mapping: TapeMapping, as_of: date, known: KnownValues
) -> RowStager:
    key = ctx.cipher.blind_index("rows of tapes")
    basis = reading_basis(ctx, layout, mapping, known)
    return RowStager(
        layout=layout,
        mapping=mapping,
        as_of=as_of,
        known=known,
        cipher=ctx.cipher,
        now=ctx.now(),
        ladder_of=ctx.ladder_of,
        why_no_ladder=ctx.why_no_ladder,
        row_key=blake2b(basis.encode(), key=key, digest_size=32).digest(),
        identity_key=ctx.cipher.blind_index("customers of tapes"),
    )
