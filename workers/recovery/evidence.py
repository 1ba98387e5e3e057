"""The chain of evidence: which part was lost with the old database is on record, for ever."""

from dataclasses import asdict

from domain.errors import text_of
from domain.recovery import RecoveryStep, StepStatus
from workers.evidence.head_file import signed_records
from workers.evidence.lost_heads import compare_heads, note_lost
from workers.recovery.step import Result, Task


def note_lost_evidence(task: Task) -> Result:
    """Say in the file of heads which heads the restored database lacks. What it returns is put on
    record; only both together let `verify` miss them no more."""
    ctx = task.ctx
    path = ctx.settings.evidence_file
    if path is None:
        return Result(RecoveryStep.EVIDENCE, StepStatus.DONE)
    if path.exists() and path.stat().st_size and not any(signed_records(path, ctx.cipher)):
        return Result(
            RecoveryStep.EVIDENCE,
            StepStatus.OPEN,
            open_because=text_of(
                "{path} was not written with the keys of this installation. Put the file of heads "
                "back that was.",
                path=path.name,
            ),
        )
    with ctx.engine.connect() as connection:
        found = compare_heads(connection, path, ctx.cipher)
    if found.lost is None:
        of_this = (
            record["lost"]
            for record in signed_records(path, ctx.cipher)
            if "lost" in record and record["recovery"] == task.recovery_id
        )
        return Result(RecoveryStep.EVIDENCE, StepStatus.DONE, next(of_this, {}))
    if not task.dry_run and task.recovery_id is not None:
        note_lost(path, ctx.cipher, found, task.recovery_id, ctx.now())
    return Result(RecoveryStep.EVIDENCE, StepStatus.DONE, asdict(found.lost))
