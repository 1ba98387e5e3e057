"""What people typed and an earlier release stored as it was typed: moved into `free_text`, where it
is encrypted.

A migration has no keys, so this runs beside the work, in short transactions, until nothing is left.
It may be stopped anywhere, and two at once take different rows. A row of evidence that is changed
by it gets one more link; rows that are only ever added to can be changed by the owner of the tables
alone (`workers/privacy/plain_evidence.py`).
"""

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    and_,
    exists,
    func,
    insert,
    null,
    or_,
    select,
    update,
)

from domain.events import InboxStatus
from domain.permissions import Permission
from domain.reasons import WORDS_ID, WORDS_PARAM, Reason, Reasons
from workers.context import Context
from workers.db.daily_runs import start_today
from workers.db.free_text import (
    KEPT_ELSEWHERE_KEYS,
    MONTHLY,
    TYPED,
    WHY,
    keep_words,
    sealed_values,
)
from workers.db.places import place_of_words
from workers.db.schema import (
    access,
    action,
    action_event,
    adjustment,
    arrangement,
    break_glass,
    daily_run,
    erasure,
    free_text,
    hold,
    inbox_event,
    loan,
    past_write_off,
    problem,
    recovery_step,
    replaced_event,
    replaced_schedule,
    same_person_change,
    second_person_request,
    sending_hold,
)

BATCH_SIZE = 500
"""Rows in one transaction."""

NOTHING_LEFT = "no_plain_words_or_figures_left"
"""Stands in `daily_run` once everything is encrypted: from then on nothing is searched."""


def _table_of(column: Column[Any]) -> Table:
    return column.table


class PlainColumn(NamedTuple):
    """A column in which an earlier release stored what people typed."""

    words: Column[Any]
    id: Column[Any]
    """Where the id of the text stands instead."""
    loan: ColumnElement[Any] = null()
    borrower: ColumnElement[Any] = null()
    codes: tuple[str, ...] = ()
    """What stands there that nobody typed; the last one is put there afterwards."""

    @property
    def table(self) -> Table:
        return _table_of(self.words)

    @property
    def is_plain(self) -> ColumnElement[bool]:
        typed = self.words.is_not(None)
        return and_(typed, self.words.not_in(self.codes)) if self.codes else typed


_PAST = past_write_off.c

COLUMNS = (
    PlainColumn(hold.c.why, hold.c.why_id, hold.c.loan_id, hold.c.borrower_id),
    PlainColumn(adjustment.c.why, adjustment.c.why_id, adjustment.c.loan_id),
    PlainColumn(problem.c.why, problem.c.why_id, problem.c.loan_id),
    PlainColumn(replaced_schedule.c.why, replaced_schedule.c.why_id, replaced_schedule.c.loan_id),
    PlainColumn(
        same_person_change.c.why,
        same_person_change.c.why_id,
        borrower=same_person_change.c.borrower_id,
    ),
    PlainColumn(loan.c.written_off_why, loan.c.written_off_why_id, loan.c.id),
    PlainColumn(_PAST.written_off_why, _PAST.written_off_why_id, _PAST.loan_id),
    PlainColumn(_PAST.taken_back_why, _PAST.taken_back_why_id, _PAST.loan_id),
    PlainColumn(recovery_step.c.why, recovery_step.c.why_id),
    PlainColumn(arrangement.c.wish_monthly, arrangement.c.wish_monthly_id, arrangement.c.loan_id),
    PlainColumn(break_glass.c.why, break_glass.c.why_id, codes=("installation", TYPED)),
)

REASONS: tuple[tuple[Column[Reasons], ColumnElement[Any]], ...] = (
    (action.c.reason, action.c.loan_id),
    (inbox_event.c.reason, null()),
    (replaced_event.c.reason, null()),
    (sending_hold.c.why, null()),
)
"""Reasons with such words among their parameters, each with its loan."""


def has_words(reasons: Column[Reasons]) -> ColumnElement[bool]:
    """Whether reasons have words among their parameters, and not the id of a text."""
    return func.jsonb_path_exists(reasons, f"$[*].*.{WORDS_PARAM}").is_(True)


_PLAIN = (WHY, MONTHLY)
"""What an earlier release stored in payloads as it was said."""


def _has_any(payload: Column[Any], names: Collection[str]) -> ColumnElement[bool]:
    return or_(*(payload.has_key(name) for name in names))


_IS_APPLIED = inbox_event.c.status == InboxStatus.APPLIED
_IN_EVENTS = or_(
    _has_any(inbox_event.c.payload, _PLAIN),
    and_(_IS_APPLIED, _has_any(inbox_event.c.payload, KEPT_ELSEWHERE_KEYS)),
)
_IN_PAYLOADS = (
    (inbox_event, _IN_EVENTS),
    (replaced_event, _has_any(replaced_event.c.payload, _PLAIN)),
)
_ABOUT_PERSONS = (Permission.ERASE_DATA, Permission.EXPORT_DATA)
_BEFORE_WORDS = (", because: ", ", for: ")
_IN_REQUESTS = and_(
    second_person_request.c.permission.in_(_ABOUT_PERSONS),
    second_person_request.c.why_id.is_(None),
    second_person_request.c.shown.regexp_match(", (because|for): "),
)

_CODES_OF_ERASURES = (TYPED, "erased_again_after_restore")

IN_EVIDENCE = (
    (action_event, has_words(action_event.c.reason)),
    (access, and_(access.c.what == "everything", access.c.purpose != "hand_to_data_subject")),
    (
        erasure,
        (erasure.c.actor_kind == "staff")
        & (erasure.c.law.is_not(None) | erasure.c.why.not_in(_CODES_OF_ERASURES)),
    ),
)
"""Where rows are only ever added, and which of them have such words."""


def count_plain_words(connection: Connection) -> dict[str, int]:
    """How many rows have words that are not encrypted yet, by table; empty if none has."""
    if _is_done(connection):
        return {}
    counts: dict[str, int] = {}
    for table, is_plain in _everywhere():
        count = select(func.count()).select_from(table).where(is_plain)
        if found := connection.execute(count).scalar_one():
            counts[table.name] = counts.get(table.name, 0) + found
    return counts


def _everywhere() -> Sequence[tuple[Table, ColumnElement[bool]]]:
    return (
        *((column.table, column.is_plain) for column in COLUMNS),
        *((_table_of(reasons), has_words(reasons)) for reasons, _ in REASONS),
        *_IN_PAYLOADS,
        (second_person_request, _IN_REQUESTS),
        *IN_EVIDENCE,
    )


def _is_done(connection: Connection) -> bool:
    done = exists().where(daily_run.c.task == NOTHING_LEFT)
    return bool(connection.execute(select(done)).scalar())


def encrypt_plain_words(ctx: Context) -> int:
    """Encrypt all of them but those that only the owner of the tables may change; returns how many
    rows changed.

    Locked rows are left to the next run.
    """
    with ctx.engine.connect() as connection:
        if _is_done(connection):
            return 0
    steps: list[Callable[[Connection], int]] = [
        *(lambda c, column=column: _move_column(c, ctx, column) for column in COLUMNS),
        *(lambda c, of=of: _move_reasons(c, ctx, *of) for of in REASONS),
        lambda c: _seal_events(c, ctx),
        _empty_replaced,
    ]
    changed = 0
    for step in steps:
        while True:
            with ctx.engine.begin() as connection:
                done = step(connection)
            changed += done
            if done < BATCH_SIZE:
                break
    note_if_done(ctx)
    return changed


def note_if_done(ctx: Context) -> None:
    """Put on record that nothing is left, if nothing is."""
    with ctx.engine.connect() as connection:
        left = count_plain_words(connection)
    if not left:
        start_today(ctx.engine, NOTHING_LEFT, ctx.now())


def _next(connection: Connection, table: Table, where: ColumnElement[bool], *columns: Any) -> Any:
    """The next unlocked rows, locked, each with the columns and its primary key."""
    keys = table.primary_key.columns
    rows = (
        select(*columns, *keys)
        .where(where)
        .order_by(*keys)
        .limit(BATCH_SIZE)
        .with_for_update(of=table, key_share=True, skip_locked=True)
    )
    return connection.execute(rows).all()


def _update(connection: Connection, table: Table, row: Any, **values: Any) -> None:
    same = (key == row._mapping[key.name] for key in table.primary_key.columns)
    connection.execute(update(table).where(*same).values(values))


def _move_column(connection: Connection, ctx: Context, column: PlainColumn) -> int:
    owners = (column.loan.label("of_loan"), column.borrower.label("of_borrower"))
    words = column.words.label("words")
    rows = _next(connection, column.table, column.is_plain, words, *owners)
    texts = []
    for row in rows:
        id = uuid4()
        # An amount is kept as it was typed.
        encrypted = ctx.cipher.encrypt(f"{row.words}", place_of_words(id))
        texts.append(
            {
                "id": id,
                "loan_id": row.of_loan,
                "borrower_id": row.of_borrower,
                "words_encrypted": encrypted,
                "written_at": ctx.now(),
            }
        )
        after = column.codes[-1] if column.codes else None
        values = {column.words.name: after, column.id.name: id}
        _update(connection, column.table, row, **values)
    if texts:
        connection.execute(insert(free_text), texts)
    return len(rows)


def reasons_with_ids(reasons: Reasons, keep: Callable[[str], UUID]) -> Reasons:
    """Reasons with the ids of their words in the place of the words; `keep` keeps them."""
    return tuple(_with_id(each, keep) for each in reasons)


def _with_id(reason: Reason, keep: Callable[[str], UUID]) -> Reason:
    if WORDS_PARAM not in reason.params:
        return reason
    params = {name: value for name, value in reason.params.items() if name != WORDS_PARAM}
    params[WORDS_ID] = str(keep(str(reason.params[WORDS_PARAM])))
    return Reason(reason.code, params)


def _move_reasons(
    connection: Connection, ctx: Context, reasons: Column[Reasons], of_loan: ColumnElement[Any]
) -> int:
    table = _table_of(reasons)
    rows = _next(
        connection, table, has_words(reasons), reasons.label("reasons"), of_loan.label("of_loan")
    )
    now = ctx.now()
    # What was typed about an event goes with the time for strangers: whose it is is not looked up.
    expires_at = None
    if table in (inbox_event, replaced_event):
        expires_at = now + timedelta(days=ctx.settings.strangers_after_days)
    for row in rows:

        def keep(words: str, row: Any = row) -> UUID:
            return keep_words(
                connection, ctx.cipher, words, now, loan_id=row.of_loan, expires_at=expires_at
            )

        _update(connection, table, row, **{reasons.name: reasons_with_ids(row.reasons, keep)})
    return len(rows)


def _seal_events(connection: Connection, ctx: Context) -> int:
    """What was applied is kept with what it is about, and goes; the rest is sealed as it would be
    now."""
    rows = _next(connection, inbox_event, _IN_EVENTS, inbox_event.c.payload, inbox_event.c.status)
    for row in rows:
        payload = dict(row.payload)
        said = {name: payload[name] for name in _PLAIN if payload.get(name)}
        gone = KEPT_ELSEWHERE_KEYS if row.status == InboxStatus.APPLIED else _PLAIN
        payload = {name: value for name, value in payload.items() if name not in gone}
        if said and row.status != InboxStatus.APPLIED:
            payload = sealed_values(ctx.cipher, payload, said)
        _update(connection, inbox_event, row, payload=payload)
    return len(rows)


def _empty_replaced(connection: Connection) -> int:
    """What an event said before it was corrected is kept without what was typed."""
    plain = _has_any(replaced_event.c.payload, _PLAIN)
    rows = _next(connection, replaced_event, plain, replaced_event.c.payload)
    for row in rows:
        payload = {name: value for name, value in row.payload.items() if name not in _PLAIN}
        _update(connection, replaced_event, row, payload=payload)
    return len(rows)


def move_requests(connection: Connection, ctx: Context) -> int:
    """Encrypt what was typed in the next requests for a second person, as the owner of the tables:
    no worker may change what two persons see. Returns how many changed."""
    asked = second_person_request
    now = ctx.now()
    expires_at = now + timedelta(days=ctx.settings.strangers_after_days)
    rows = _next(connection, asked, _IN_REQUESTS, asked.c.shown)
    for row in rows:
        before = next(each for each in _BEFORE_WORDS if each in row.shown)
        what, _, words = row.shown.partition(before)
        why_id = keep_words(connection, ctx.cipher, words, now, expires_at=expires_at)
        _update(connection, asked, row, shown=what, why_id=why_id)
    return len(rows)
