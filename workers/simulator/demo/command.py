"""The demo: 400 loans through one day of collections, on servers that are removed afterwards."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType
from typing import NoReturn

import typer

from domain.errors import ArrearsError
from workers.simulator.demo.installation import RehearsalHouse, rehearsal_house
from workers.simulator.demo.report import (
    DemoScreen,
    print_json,
    print_report,
    print_what_is_next,
    print_where_to_look,
)
from workers.simulator.demo.scenario import MORNING, bring_in_the_book, live_through, prepare_store
from workers.simulator.demo.summary import Tally, count_due, read_tally
from workers.tapes.import_tape import ImportReport


def run_demo(*, as_json: bool, stay: bool) -> None:
    """Run the day and print what was done; with `stay`, leave it running until Ctrl-C.

    Exits with code 1 if anything failed, could not be explained or was done twice.
    """
    began = time.monotonic()
    _stop_cleanly_on_signals()
    screen = DemoScreen()
    try:
        with rehearsal_house(os.environ, at=MORNING) as rehearsal:
            tally = _run(rehearsal, screen, began, as_json=as_json)
            if stay:
                _stay(rehearsal)
            else:
                print_what_is_next()
    except ArrearsError as error:
        screen.fail(str(error))
        raise typer.Exit(1) from None
    if not tally.well:
        raise typer.Exit(1)


def _run(rehearsal: RehearsalHouse, screen: DemoScreen, began: float, *, as_json: bool) -> Tally:
    ctx = rehearsal.ctx
    with screen:
        prepare_store(rehearsal)
        screen.say(ctx.now(), "PostgreSQL and the broker serve.")
        with screen.importing() as progress:
            report = bring_in_the_book(rehearsal, progress)
        agreement = _agreement(report)
        screen.say(ctx.now(), f"{report.taken} loans came in, {report.rejected} rejected.")
        with ctx.engine.connect() as connection:
            due = count_due(connection, ctx.now())
        rehearsal.open_doors()
        live_through(rehearsal, screen)
        if rehearsal.own_servers:
            screen.say(ctx.now(), "The book stays in the database that DATABASE_URL names.")
    with ctx.engine.connect() as connection:
        tally = read_tally(
            connection,
            ctx,
            rehearsal.sent_texts,
            due=due,
            agreement=agreement,
            seconds=round(time.monotonic() - began, 1),
        )
        if as_json:
            print_json(connection, ctx, tally)
        else:
            print_report(connection, ctx, tally)
    return tally


def _agreement(report: ImportReport) -> float:
    if not report.kept or report.statuses is None:
        raise ArrearsError(
            f"The sample tape did not come in: {report.rejected} of its rows are wrong. "
            "Put back the file that this release ships."
        )
    return round(report.statuses.share, 4)


def _stay(rehearsal: RehearsalHouse) -> None:
    """Wait until Ctrl-C or SIGTERM.

    Raises:
        ArrearsError: a process ended by itself.
    """
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    print_where_to_look(rehearsal)
    while not stopped.wait(timeout=1):
        rehearsal.children.check()


def _stop_cleanly_on_signals() -> None:
    """Make Ctrl-C and SIGTERM unwind the stack, so that every started process is stopped."""

    def leave(number: int, _: FrameType | None) -> NoReturn:
        # Stopping takes a limited time, and a second signal must not interrupt it.
        for again in (signal.SIGINT, signal.SIGTERM):
            signal.signal(again, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
