"""What people ask of the evidence: is it whole, how far does it reach, and that of one loan."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from domain.permissions import Permission
from workers.access.may_handle import assert_may_read, of_loan
from workers.access.permitted import permitted
from workers.context import Context
from workers.evidence.chain import chain_evidence
from workers.evidence.export import write_bundle
from workers.evidence.findings import Defect, Finding
from workers.evidence.heads import Head, read_head
from workers.evidence.lost_heads import LostPart, lost_parts
from workers.evidence.verify import verify


class Verified(NamedTuple):
    """What is not as it was, and the newest link."""

    wrong: list[Finding]
    head: Head | None
    lost: list[LostPart]
    """Parts that were lost with a database, as a recovery has recorded. They are no defects."""
    waits: list[Finding]
    """What has waited too long for its link. It is as it was; nothing chains it."""


class Exported(NamedTuple):
    """What a bundle has."""

    rows: int
    wrong: list[Finding]
    """Rows of the loan that are not what they were."""


@permitted(Permission.READ_EVIDENCE)
def verify_evidence(
    ctx: Context, loan: str | None, *, head: str | None, progress: Callable[[int], None]
) -> Verified:
    """Find evidence that was changed or removed: of a loan, or all.

    `head` is a checkpoint that was noted elsewhere.

    Raises:
        ArrearsError: the loan is not known, or the checkpoint is none.
    """
    path = ctx.settings.evidence_file
    file = None if path is None else (path, ctx.cipher)
    with _snapshot(ctx) as connection:
        found = list(verify(connection, loan, head=head, file=file, progress=progress))
        lost = lost_parts(connection, *file) if file is not None else []
        waits = [finding for finding in found if finding.defect is Defect.WAITS]
        return Verified(_wrong(found), read_head(connection), lost, waits)


@permitted(Permission.READ_EVIDENCE)
def newest_head(ctx: Context) -> Head | None:
    """The digest of all evidence up to now; None: nothing is chained yet."""
    with ctx.engine.connect() as connection:
        return read_head(connection)


@permitted(Permission.READ_EVIDENCE)
def export_evidence(ctx: Context, loan: str, out: Path) -> Exported:
    """Write the evidence of a loan to a zip file that does not exist yet.

    Raises:
        RefusedError: whoever exports it must not handle the borrower.
        ArrearsError: the loan is not known.
        OSError: the file cannot be written, or is there already.
    """
    with ctx.engine.connect() as connection:
        assert_may_read(connection, ctx.actor, of_loan(loan))
    while chain_evidence(ctx):
        pass  # evidence that is not in the chain yet belongs to the export
    with _snapshot(ctx) as connection:
        wrong = _wrong(verify(connection, loan))
        return Exported(write_bundle(connection, ctx, loan, out), wrong)


def _wrong(found: Iterable[Finding]) -> list[Finding]:
    """What is not as it was."""
    return [finding for finding in found if finding.defect is not Defect.WAITS]


def _snapshot(ctx: Context) -> Any:
    """A transaction that reads one state of the database, whatever is written meanwhile."""
    engine = ctx.engine.execution_options(isolation_level="REPEATABLE READ")
    return engine.begin()
