"""Opt-outs, erasures and revocations come back from the journal: its files are read and judged."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from domain.errors import Text, text_of
from domain.recovery import MARGIN, RecoveryStep, StepStatus
from workers.db.journal import BEGUN, JournalUnusableError, read_journal
from workers.recovery.journal_lines import DONE, KNOWN, REPLAY, WAITS, Line
from workers.recovery.step import Result, Task


def replay_journals(task: Task) -> list[Result]:
    """Bring back what the journals say and the database does not have; one result a journal."""
    if not task.journals:
        return [
            _open(
                "",
                text_of(
                    "ARREARS_JOURNAL_FILE is not set, so what was asked for since the backup is "
                    "not known here: opt-outs, erasures, revocations. Name a copy of the journal "
                    "with --journal, or go on without it and say why."
                ),
            )
        ]
    younger = list[Path]()
    return [_replay(task, path, younger) for path in task.journals]


def _replay(task: Task, path: Path, younger: list[Path]) -> Result:
    """Bring back what one journal says. `younger` gets the journals that a restore may predate."""
    try:
        lines, bad, begun_at = _read(task, path)
    except JournalUnusableError as error:
        return _open(path.name, error.texts[0])
    came = Counter[str]()
    for line in lines:
        with task.transaction() as connection:
            came[REPLAY[line["kind"]](connection, task.ctx, line)] += 1
    found = {name: came[name] for name in (KNOWN, DONE, WAITS)}
    if bad:
        return _open(
            path.name,
            text_of(
                "Lines of {path} were not written with the keys of this installation, or lines "
                "before them are missing: {bad}. They are not brought back.",
                path=path.name,
                bad=", ".join(map(str, bad[:10])),
            ),
            found | {"bad_lines": len(bad)},
        )
    if begun_at is None or begun_at > task.since:
        younger.append(path)
    if len(younger) == len(task.journals):
        return _open(
            path.name,
            text_of(
                "{path} was begun after the backup was made, so what was asked for before that is "
                "not known here. Name the older journal with --journal, or go on without it and "
                "say why.",
                path=path.name,
            ),
            found,
        )
    if came[WAITS]:
        return _open(
            path.name,
            text_of(
                "Records that are not known yet are named in {count} line(s) of the journal. "
                "Import the tape that has them, and run this again.",
                count=came[WAITS],
            ),
            found,
        )
    return Result(RecoveryStep.JOURNAL, StepStatus.DONE, found, path.name)


def _open(subject: str, why: Text, found: Mapping[str, int | str] | None = None) -> Result:
    return Result(RecoveryStep.JOURNAL, StepStatus.OPEN, found or {}, subject, why)


class _Read(NamedTuple):
    """What a journal says."""

    lines: list[Line]
    """Those since the backup, the last one about each thing, in the order of the last ones."""
    bad: list[int]
    """The numbers of the lines at fault."""
    begun_at: datetime | None
    """When it was begun; None: its beginning is missing."""


def _read(task: Task, path: Path) -> _Read:
    """Read a journal. The clock of whoever wrote a line may differ from that of the database."""
    last = dict[tuple[Any, ...], Line]()
    bad, begun_at = list[int](), None
    for line in read_journal(path, task.ctx.cipher):
        kind = line.record.get("kind")
        if not (line.is_signed and line.follows) or (kind != BEGUN and kind not in REPLAY):
            bad.append(line.number)
            continue
        noted_at = datetime.fromisoformat(line.record["noted_at"])
        if kind == BEGUN:
            begun_at = begun_at or noted_at
        elif noted_at >= task.since - MARGIN:
            key = tuple(line.record.get(name) for name in _KEY_OF_LINE)
            last.pop(key, None)
            last[key] = line.record
    return _Read(list(last.values()), bad, begun_at)


_KEY_OF_LINE = (
    *("kind", "borrower", "fact", "channel", "loan", "place", "point", "since", "at"),
    *("digest", "name", "staff"),
)
