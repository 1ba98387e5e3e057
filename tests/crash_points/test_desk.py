"""A desk lost at any commit of any call leaves, once the call is repeated, what one call leaves."""

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from tests.crash_points.desk_calls import Desk
from tests.crash_points.desk_day import ZONE, a_day, write_book
from tests.crash_points.points import FOLDER, Folder
from tests.crash_points.whole_state import WholeState, whole_state
from tests.support.compose import ROOT
from tests.support.databases import new_database, renew_database
from tests.support.environment import an_environment
from workers.clock import Clock, write_offset
from workers.http.permission_of import AT_THE_DESK, DESK
from workers.simulator.servers.environment import LOOPBACK, free_port
from workers.simulator.servers.processes import ManagedProcess, ProcessGroup

OF_EVERY_CALL = ":access.authenticate.authenticate:"
"""In it the use of the token is noted. It is the same for all: one of them dies there."""


@dataclass(slots=True)
class Stage:
    """One desk and one database, for one day after another."""

    desk: ManagedProcess
    server_url: str
    template: str
    database: str
    url: str
    port: int
    folder: Folder
    clock_file: Path
    begins_at: datetime

    def play(self, crash_at: list[str]) -> tuple[WholeState, set[str]]:
        """The day on a book of its own; the desk dies at each point that is named. Gives what is on
        record, and the paths that were called."""
        renew_database(self.server_url, self.database, self.template)
        write_offset(self.clock_file, self.begins_at - Clock().now())
        for path in (self.folder.passed, self.folder.at, self.folder.died):
            path.unlink(missing_ok=True)
        self.folder.at.write_text("\n".join(crash_at))
        desk = Desk(self.port)
        a_day(desk, self.begins_at.date())
        engine = create_engine(self.url, poolclass=NullPool)
        with engine.connect() as connection:
            return whole_state(connection), desk.asked


@pytest.fixture(scope="module")
def stage(
    postgres_server: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("crashing_desk")
    with ExitStack() as stack:
        template = stack.enter_context(new_database(postgres_server, template=migrated_template))
        book = write_book(create_engine(template, poolclass=NullPool))
        database = stack.enter_context(new_database(postgres_server, template=migrated_template))
        url = database.render_as_string(hide_password=False)
        clock_file = folder / "clock"
        clock_file.write_text("0")
        environment = {
            **an_environment(url),
            "PYTHONPATH": str(ROOT),
            "ARREARS_CLOCK_FILE": str(clock_file),
            "ARREARS_ZONE": ZONE,
            FOLDER: str(folder),
        }
        processes = stack.enter_context(ProcessGroup(folder, environment))
        port = free_port()
        command = [sys.executable, "-m", "tests.crash_points.desk", LOOPBACK, str(port)]
        desk = processes.start("desk", command, port=port)
        processes.wait_until_ready(desk)
        yield Stage(
            desk=desk,
            server_url=postgres_server,
            template=str(template.database),
            database=str(database.database),
            url=url,
            port=port,
            folder=Folder(folder),
            clock_file=clock_file,
            begins_at=book.clock.at,
        )


def test_a_desk_lost_at_each_commit_of_each_call_leaves_what_one_call_leaves(stage: Stage) -> None:
    undisturbed, asked = stage.play([])

    posts = {each.replace(DESK, "") for each in AT_THE_DESK if each.startswith("POST")}
    assert asked == posts, "each path has its call in desk_day.py"
    passed = sorted(set(stage.folder.passed.read_text().splitlines()))
    points = [point for point in passed if OF_EVERY_CALL not in point]
    written = {point.partition(":")[0] for point in points}
    assert {path for path in written if path.startswith("POST")} == posts, "all write something"
    points += [point for point in passed if OF_EVERY_CALL in point][:2]
    stage.desk.send_signal(signal.SIGINT)
    disturbed, _ = stage.play(points)
    died = stage.folder.died.read_text().splitlines()
    assert sorted(died) == sorted(points)
    changed = {
        table: (
            [row for row in rows if row not in undisturbed[table]],
            [row for row in undisturbed[table] if row not in rows],
        )
        for table, rows in disturbed.items()
        if rows != undisturbed[table]
    }
    assert not changed
