"""The keys open what is stored: otherwise the other steps would store what nobody can read."""

from domain.errors import ArrearsError, text_of
from domain.recovery import RecoveryStep, StepStatus
from workers.db.encryption_keys import assert_keys_open
from workers.privacy.verify_values import find_broken_among_newest, find_broken_of_each_key
from workers.recovery.step import Result, Task


def check_keys(task: Task) -> Result:
    """Open the newest values of every encrypted column, those that a webhook sealed among them, and
    one of each key; hold the blind indexes against them."""
    try:
        task.ctx.cipher.assert_can_decrypt()
        assert_keys_open(task.ctx.engine, task.ctx.cipher)
    except ArrearsError as error:
        return Result(RecoveryStep.KEYS, StepStatus.OPEN, open_because=error.texts[0])
    broken = find_broken_among_newest(task.ctx) or find_broken_of_each_key(task.ctx)
    if broken:
        return Result(
            RecoveryStep.KEYS,
            StepStatus.OPEN,
            {"broken": len(broken)},
            open_because=text_of(
                "Values do not open where they are stored. `arrears keys verify` lists them."
            ),
        )
    return Result(RecoveryStep.KEYS, StepStatus.DONE)
