"""Whether the database is the newest one: its newest contact is held against the counter's file."""

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text

from domain.actors import ARREARS
from domain.errors import ArrearsError
from domain.reasons import ReasonCode, Reasons, because
from domain.sending import OF_COUNTER, RENEW_WITHIN, StoppedBecause
from workers.context import Context
from workers.db.sending_holds import set_sending_hold
from workers.sending.counter_file import Count, CounterFile, UnusableFileError

log = logging.getLogger(__name__)


class DatabaseOlderError(Exception):
    """The database is older than what was sent. Whatever asked for a contact rolls back."""


class Counted:
    """The contacts of one transaction, and whether the database has what the file said before it.

    Their own numbers do not show that: PostgreSQL leaves out up to 32 numbers of a sequence when it
    recovers from its WAL, as after a restore to a point in time.
    """

    def __init__(self, before: int) -> None:
        self._before = before
        self.highest = 0

    def note(self, contact_ids: Collection[int], newest_before: int) -> None:
        """Note contacts that the transaction has recorded, and the newest one before them.

        Raises:
            DatabaseOlderError: the file knew of a newer one.
        """
        if newest_before < self._before:
            raise DatabaseOlderError
        self.highest = max(self.highest, *contact_ids)


@contextmanager
def counted(ctx: Context) -> Iterator[Counted]:
    """Hold the contacts of a transaction against the counter's file, which takes their numbers
    after the commit. The transaction begins and ends inside; no statement is added.

    Where the file is not as it should be, a sending hold is set: before the transaction, which then
    claims nothing; or instead of it.

    Raises:
        DatabaseOlderError: nothing was committed, and nobody must be contacted.
    """
    path = ctx.settings.sending_counter_file
    if path is None:
        yield Counted(0)
        return
    file = CounterFile(path)
    try:
        known = file.read()
    except UnusableFileError:
        known = None
    if known is None:
        check_counter(ctx)
    of_transaction = Counted(known.counter if known else 0)
    try:
        yield of_transaction
    except DatabaseOlderError:
        check_counter(ctx)
        raise
    if of_transaction.highest:
        try:
            file.raise_to(of_transaction.highest)
        except UnusableFileError:
            check_counter(ctx)  # the next one is not claimed


def assert_counter_usable(ctx: Context) -> None:
    """Check that this process may use the counter's file.

    A command that a person types asks this first: if it runs as a user who may not write the file,
    it contacts nobody, and does not stop the workers, who may.

    Raises:
        ArrearsError: it may not.
    """
    path = ctx.settings.sending_counter_file
    if path is None:
        return
    try:
        CounterFile(path).assert_usable()
    except UnusableFileError as error:
        raise ArrearsError(
            "{path}, which ARREARS_SENDING_COUNTER_FILE names, cannot be used by this command: "
            "{strerror}. Nobody was contacted. Run it as a user of the group that owns the file, "
            "which in containers is 10001.",
            path=str(path),
            strerror=str(error),
        ) from None


class _Database(NamedTuple):
    """What the database says."""

    system: str
    newest: int
    """The number of its newest contact that the file counts; 0: it has none."""
    resumed: list[Mapping[str, Any]]
    """The holds of the last resumptions: what the file said then, and when that was."""


_ASK = text("""
SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system,
       -- Of those that the file counts: texts, and calls that were started about the debt.
       coalesce((SELECT id FROM contact
                  WHERE inbound IS NULL AND channel IN ('sms', 'call')
                    AND party IS DISTINCT FROM 'third_party'
                  ORDER BY id DESC LIMIT 1), 0) AS newest,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('cause', cause, 'epoch', epoch, 'found', found,
                                                     'at', extract(epoch FROM resumed_at))), '[]')
          FROM (SELECT * FROM sending_hold
                 WHERE cause = ANY(:causes) AND resumed_at IS NOT NULL
                 ORDER BY id DESC LIMIT 20) AS h) AS resumed
""")


def check_counter(ctx: Context) -> StoppedBecause | None:
    """Hold the database against the counter's file; stop sending if it is not the newest one.

    The file is read before the database, so that what others send meanwhile never makes the
    database look old. Returns what is wrong.
    """
    path = ctx.settings.sending_counter_file
    if path is None:
        return None
    file = CounterFile(path)
    said, database, wrong = _look(ctx, file)
    if wrong is not None:
        # Once more before anything is stopped: another worker may just have made the file.
        said, database, wrong = _look(ctx, file)
    try:
        if wrong is None:
            if said is None:
                file.begin(Count(database.system, "", 0), None)
            else:
                file.raise_to(database.newest)
            return None
        if epoch := _accepted(wrong[0], said, database, ctx.now()):
            file.begin(Count(database.system, epoch, database.newest), said)
            log.warning("the file of the sending counter begins anew at %s", database.newest)
            return None
    except UnusableFileError as error:
        wrong = _unusable(str(error))
    cause, why = wrong
    with ctx.engine.begin() as connection:
        found = asdict(said) if said else {}
        if set_sending_hold(connection, cause, why, ARREARS.reference, ctx.now(), found=found):
            log.critical("sending is stopped: %s", cause)
    return cause


_Wrong = tuple[StoppedBecause, Reasons]


def _look(ctx: Context, file: CounterFile) -> tuple[Count | None, _Database, _Wrong | None]:
    """What the file says, then what the database says, and what is wrong."""
    said, error = _read(file)
    with ctx.engine.connect() as connection:
        asked = connection.execute(_ASK, {"causes": sorted(OF_COUNTER)}).one()
    database = _Database(*asked)
    return said, database, _compare(said, error, database)


def _read(file: CounterFile) -> tuple[Count | None, str | None]:
    try:
        return file.read(), None
    except UnusableFileError as error:
        return None, str(error)


def _compare(said: Count | None, error: str | None, database: _Database) -> _Wrong | None:
    if error is not None:
        return _unusable(error)
    if said is None:
        if not database.newest:
            return None
        missing = because(ReasonCode.COUNTER_MISSING, database=database.newest)
        return StoppedBecause.COUNTER_MISSING, missing
    if said.system != database.system:
        other = because(ReasonCode.OTHER_SYSTEM, file=said.system, database=database.system)
        return StoppedBecause.OTHER_SYSTEM, other
    if said.counter > database.newest:
        older = because(ReasonCode.DATABASE_OLDER, file=said.counter, database=database.newest)
        return StoppedBecause.DATABASE_OLDER, older
    return None


def _unusable(error: str) -> _Wrong:
    return StoppedBecause.COUNTER_UNUSABLE, because(ReasonCode.COUNTER_UNUSABLE, error=error)


def _accepted(
    cause: StoppedBecause, said: Count | None, database: _Database, now: datetime
) -> str | None:
    """The epoch with which the file begins anew, if people resumed sending knowing what it says.

    It must say the same as when sending was stopped. A file that was gone is written again only
    for a while, so that it does not go unnoticed if it is gone once more.
    """
    no_file = (StoppedBecause.COUNTER_MISSING, StoppedBecause.COUNTER_UNUSABLE)
    for hold in database.resumed:
        if hold["cause"] not in (no_file if said is None else (cause,)):
            continue
        found = hold["found"] or {}
        if said is None:
            if now.timestamp() - float(hold["at"]) <= RENEW_WITHIN.total_seconds():
                return str(hold["epoch"])
        elif (found.get("system"), found.get("epoch")) == (said.system, said.epoch) and (
            said.counter <= found.get("counter", -1)
        ):
            return str(hold["epoch"])
    return None
