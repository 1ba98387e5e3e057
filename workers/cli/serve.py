"""Commands that run for long: `worker`, `beat`, `webhook`, `api`, `desk`, `flower`.

Each checks what it needs first, so that a wrong setting gives one clear message and not a traceback
in a restart loop. Then it runs the server in the same process, which uses what the check has
imported and read, and receives signals directly.
"""

import errno
import os
import re
import runpy
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from config.environment import load_broker_settings, read_setting_file
from domain.errors import ArrearsError
from workers.bootstrap import process_context
from workers.cli.context import assert_usable
from workers.cli.language import say
from workers.cli.streams import write_as_it_is
from workers.db.encryption_keys import assert_keys_on_record
from workers.db.engine import assert_reachable
from workers.db.migrate import assert_current
from workers.log_lines import write_visible_lines
from workers.messaging.alive import AliveFile, write_when_published
from workers.messaging.broker import assert_broker_reachable
from workers.operations.policy_register import assert_policy_unchanged, register_policy
from workers.queues import QUEUES, prefetch_multiplier

EVERY_QUEUE = ",".join(QUEUES)
Host = Annotated[str, typer.Option(help="The address to listen on; loopback if left out.")]
Port = Annotated[int, typer.Option(help="The port to listen on.", min=1, max=65535)]
AliveAt = Annotated[
    Path | None,
    typer.Option(help="A file that is written while it works: its age shows its health."),
]
FORGET_WORKERS_AFTER = 600
"""Seconds after which Flower no longer lists a worker that is gone."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def worker(
    queues: Annotated[str, typer.Option(help="Comma-separated queues to serve.")] = EVERY_QUEUE,
    concurrency: Annotated[
        int, typer.Option(help="Processes that work at the same time.", min=1, max=64)
    ] = 2,
    name: Annotated[str, typer.Option(help="Its name in Flower.")] = "worker",
    nice: Annotated[
        int,
        typer.Option(
            help="Unix nice value of its processes: 19 has the lowest priority.",
            min=0,
            max=19,
        ),
    ] = 0,
    alive_file: AliveAt = None,
) -> None:
    """Run the tasks of some queues, or of all queues."""
    if unknown := set(queues.split(",")) - set(QUEUES):
        raise ArrearsError(
            say(
                "There is no queue {unknown}. The queues are {queues}.",
                unknown=", ".join(sorted(unknown)),
                queues=EVERY_QUEUE,
            )
        )
    if not NAME.fullmatch(name):
        raise ArrearsError(
            say(
                "A worker's name is letters, digits, dots, - and _, such as texts. Write "
                "another one after --name."
            )
        )
    _check()
    os.nice(nice)
    AliveFile.path = alive_file
    _run_celery(
        "worker",
        f"--queues={queues}",
        f"--concurrency={concurrency}",
        f"--prefetch-multiplier={prefetch_multiplier(queues.split(','))}",
        f"--hostname={name}@%h",
        "--without-gossip",
        "--without-mingle",
        "--task-events",
        "--loglevel=INFO",
    )


def beat(alive_file: AliveAt = None) -> None:
    """Start scans, dispatch and maintenance on time. Two of them do no harm."""
    _check()
    if alive_file:
        write_when_published(alive_file)
    # Its schedule is all intervals, so it needs no file to remember the last runs.
    _run_celery("beat", "--scheduler=celery.beat:Scheduler", "--loglevel=WARNING", "--pidfile=")


def webhook(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Receive reports of providers, borrowers' texts and the lender's events, and store them."""
    _assert_free(host, port)
    _check_receiver()
    _run("workers.http.server", "create_app", host, str(port))


def api(host: Host = "127.0.0.1", port: Port = 8001) -> None:
    """Start calls for dialers: whoever may call a number now gets it here, and nowhere else."""
    _assert_free(host, port)
    _check(registers_policy=False)
    _run("workers.http.server", "create_api", host, str(port))


def desk(host: Host = "127.0.0.1", port: Port = 8002) -> None:
    """Serve `/api/v1`, over which people work: what to do next, calls, outcomes, promises."""
    _assert_free(host, port)
    _check(registers_policy=False)
    _run("workers.http.server", "create_desk", host, str(port))


def flower(host: Host = "127.0.0.1", port: Port = 5555) -> None:
    """Show each task on web pages. Set FLOWER_BASIC_AUTH=user:password beyond loopback."""
    _read_flower_password()
    loopback = host in {"127.0.0.1", "::1", "localhost"}
    if not loopback and not os.environ.get("FLOWER_BASIC_AUTH"):
        raise ArrearsError(
            say(
                "Flower would be open to everybody who reaches {host}. Set FLOWER_BASIC_AUTH "
                "to user:password, or listen on 127.0.0.1.",
                host=host,
            )
        )
    _assert_free(host, port)
    assert_broker_reachable(load_broker_settings(os.environ).redis_url)
    # A container that is made anew has a new host name: its old worker never comes back.
    os.environ.setdefault("FLOWER_PURGE_OFFLINE_WORKERS", str(FORGET_WORKERS_AFTER))
    options = f"--address={host}", f"--port={port}"
    _run(
        "workers.messaging.flower", "--app=workers.messaging.flower", "--quiet", "flower", *options
    )


def _read_flower_password() -> None:
    """Flower itself reads no secret files."""
    if path := os.environ.get("FLOWER_BASIC_AUTH_FILE"):
        os.environ["FLOWER_BASIC_AUTH"] = read_setting_file("FLOWER_BASIC_AUTH_FILE", path)


def _assert_free(host: str, port: int) -> None:
    """The servers themselves would report it in a log only, and some of them as a traceback."""
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        with socket.socket(family, kind, protocol) as probe:
            # As servers do: a port with connections in TIME_WAIT is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        raise _not_free(error, host, port) from None


def _not_free(error: OSError | UnicodeError, host: str, port: int) -> ArrearsError:
    match error:
        case OSError(errno=errno.EADDRINUSE):
            return ArrearsError(
                "Port {port} of {host} is in use by another program. Stop that program, or name "
                "another port with --port.",
                port=port,
                host=host,
            )
        case PermissionError():
            return ArrearsError(
                "Port {port} is for root only. Name one from 1024 up with --port; a proxy can "
                "pass on what reaches the other.",
                port=port,
            )
        case _:
            return ArrearsError(
                "{host} is no address of this machine. Write one that it has after --host, such "
                "as 127.0.0.1, or leave it out.",
                host=host,
            )


def _check(*, registers_policy: bool = True) -> None:
    # The context of the process, which the server uses too: files are read and checked once.
    ctx = process_context()
    assert_usable(ctx)
    assert_broker_reachable(ctx.settings.redis_url)
    if registers_policy:
        register_policy(ctx)
    else:
        assert_policy_unchanged(ctx)
    ctx.engine.dispose()


def _check_receiver() -> None:
    """What a server needs that stores and reads no borrower: no value is decrypted."""
    ctx = process_context()
    assert_reachable(ctx.engine)
    assert_current(ctx.engine)
    assert_keys_on_record(ctx.engine, ctx.cipher)
    assert_broker_reachable(ctx.settings.redis_url)
    ctx.engine.dispose()


def _run_celery(*args: str) -> None:
    _run("celery", "--app=workers.app", "--quiet", *args)


def _run(module: str, *args: str) -> None:
    """What `python -m MODULE ARGS` does, without a start of Python and its imports."""
    sys.argv = [module, *args]
    write_as_it_is()
    write_visible_lines()
    runpy.run_module(module, run_name="__main__", alter_sys=True)
