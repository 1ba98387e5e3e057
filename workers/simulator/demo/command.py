"""The demo: 400 loans through one day of collections, on servers that are removed afterwards."""

import os
import signal
import threading
import time
from types import FrameType
from typing import NoReturn

import typer

from domain.errors import ArrearsError
from workers.cli.language import said_error, say
from workers.clock import Clock
from workers.simulator.demo.books import BOOKS, CN
from workers.simulator.demo.installation import Installation, new_installation
from workers.simulator.demo.report import (
    DemoScreen,
    print_access,
    print_json,
    print_next_steps,
    print_report,
    print_servers,
)
from workers.simulator.demo.scenario import (
    import_samples,
    load_staff,
    prepare_database,
    run_days,
)
from workers.simulator.demo.summary import Summary, count_due, read_summary
from workers.tapes.import_tape import ImportReport

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_demo(name: str, *, as_json: bool, stay: bool) -> None:
    """Run the day of a book and print what was done. With `stay`, keep running until Ctrl-C.

    The output for the Chinese book is Chinese, whatever the locale is.

    The exit code is 1 if anything failed, could not be explained or was done twice.
    """
    started_at = time.monotonic()
    _stop_cleanly_on_signals()
    book = BOOKS[name]
    if book is CN:
        os.environ["LC_ALL"] = "zh_CN.UTF-8"  # for this process and those that it starts
    screen = DemoScreen()
    try:
        with new_installation(os.environ, book) as installation:
            summary = _run(installation, screen, started_at, as_json=as_json, stay=stay)
            if stay:
                installation.start_api()
                stopped = _stop_event()
                print_access(installation)
                _wait_for(stopped, installation)
            else:
                print_next_steps(book)
    except ArrearsError as error:
        screen.report_error(said_error(error))
        raise typer.Exit(1) from None
    if not summary.succeeded:
        raise typer.Exit(1)


def run_servers(name: str) -> None:
    """Start a database with empty tables and a broker, with the settings of a book and the clock of
    the machine, and keep them until Ctrl-C. Nothing stays of them.

    The exit code is 1 if a server cannot be started.
    """
    _stop_cleanly_on_signals()
    screen = DemoScreen()
    try:
        with new_installation(os.environ, BOOKS[name]) as installation:
            installation.move_clock(Clock().now())
            prepare_database(installation)
            load_staff(installation)
            stopped = _stop_event()
            print_servers(installation)
            _wait_for(stopped, installation)
    except ArrearsError as error:
        screen.report_error(said_error(error))
        raise typer.Exit(1) from None


def _run(
    installation: Installation, screen: DemoScreen, started_at: float, *, as_json: bool, stay: bool
) -> Summary:
    ctx = installation.ctx
    with screen:
        prepare_database(installation)
        screen.report(ctx.now(), say("PostgreSQL and the broker are ready."))
        with screen.importing() as progress:
            report = import_samples(installation, progress)
        agreement = _status_agreement(report)
        screen.report(
            ctx.now(),
            say(
                "{taken} loans imported, {rejected} rejected.",
                taken=report.taken,
                rejected=report.rejected,
            ),
        )
        with ctx.engine.connect() as connection:
            due = count_due(connection, ctx.now())
        if stay:
            installation.start_flower()
        installation.start_processes()
        shown = run_days(installation, screen)
        if installation.external_servers:
            screen.report(ctx.now(), say("The loans stay in the database that DATABASE_URL names."))
    with ctx.engine.connect() as connection:
        summary = read_summary(
            connection,
            ctx,
            installation.accepted_texts_log,
            due=due,
            agreement=agreement,
            seconds=round(time.monotonic() - started_at, 1),
        )
        if as_json:
            print_json(connection, ctx, summary)
        else:
            print_report(connection, installation, summary, shown)
    return summary


def _status_agreement(report: ImportReport) -> float:
    if not report.kept or report.statuses is None:
        raise ArrearsError(
            "The sample tape was not imported: {rejected} of its rows have errors. Restore the "
            "file that this release ships.",
            rejected=report.rejected,
        )
    return round(report.statuses.share, 4)


def _stop_event() -> threading.Event:
    """What Ctrl-C and SIGTERM set from now on."""
    stopped = threading.Event()
    for stop_signal in STOP_SIGNALS:
        signal.signal(stop_signal, lambda *_: stopped.set())
    return stopped


def _wait_for(stopped: threading.Event, installation: Installation) -> None:
    """Wait until it is set.

    Raises:
        ArrearsError: a process ended by itself.
    """
    while not stopped.wait(timeout=1):
        installation.processes.check_running()


def _stop_cleanly_on_signals() -> None:
    """Make Ctrl-C and SIGTERM raise SystemExit, so that every started process is stopped."""

    def leave(number: int, _: FrameType | None) -> NoReturn:
        # A second signal must not interrupt the clean-up, which takes a limited time.
        for stop_signal in STOP_SIGNALS:
            signal.signal(stop_signal, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for stop_signal in STOP_SIGNALS:
        signal.signal(stop_signal, leave)
