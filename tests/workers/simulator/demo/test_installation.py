"""Which servers the demo uses, which settings its processes get, and when it refuses to run."""

import csv
import os
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
import redis
from sqlalchemy import Engine

from config.readers.registered_templates import load_sms_templates
from config.readers.template_files import LETTERS
from domain.errors import ArrearsError
from tests.support.loans import Book, shipped_templates
from tests.support.make_chinese_sample import main as make_chinese_sample
from workers.simulator.demo import command
from workers.simulator.demo.books import CN, US, policy_with_registered_texts
from workers.simulator.demo.installation import Installation, new_installation
from workers.simulator.demo.report import print_servers
from workers.simulator.demo.scenario import prepare_database


def environ(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **more}


def test_a_database_that_holds_loans_is_left_alone(engine: Engine, broker_url: str) -> None:
    Book(engine).loan("L-1", due_on="2026-03-01")
    servers = environ(
        DATABASE_URL=engine.url.render_as_string(hide_password=False), REDIS_URL=broker_url
    )
    with (
        new_installation(servers, US) as installation,
        pytest.raises(ArrearsError, match="holds loans"),
    ):
        prepare_database(installation)


def test_servers_only_leave_an_empty_database_on_the_day_of_today(
    database_url: str,
    broker_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It waits until Ctrl-C, which comes at once here."""
    for name, value in environ(DATABASE_URL=database_url, REDIS_URL=broker_url).items():
        monkeypatch.setenv(name, value)
    stopped = Event()
    stopped.set()
    clocks: list[datetime] = []

    def print_and_note(installation: Installation) -> None:
        clocks.append(installation.ctx.now())
        print_servers(installation)

    monkeypatch.setattr(command, "_stop_event", lambda: stopped)
    monkeypatch.setattr(command, "_stop_cleanly_on_signals", lambda: None)
    monkeypatch.setattr(command, "print_servers", print_and_note)

    command.run_servers("us")

    assert abs(clocks[0] - datetime.now(UTC)) < timedelta(minutes=10)
    (environment,) = re.findall(r"^ *\. (\S+/environment)$", capsys.readouterr().err, re.MULTILINE)
    assert not Path(environment).exists()


def test_a_broker_that_another_installation_works_with_is_left_alone(
    database_url: str, broker_url: str
) -> None:
    with redis.Redis.from_url(broker_url) as client:
        client.lpush("arrears:sms", "a message")
    servers = environ(DATABASE_URL=database_url, REDIS_URL=broker_url)
    with (
        pytest.raises(ArrearsError, match="Messages wait in the broker"),
        new_installation(servers, US),
    ):
        pass


@pytest.mark.parametrize("stands", ["runs", "was stopped"])
def test_a_shell_with_the_settings_of_another_demo_is_told_so(tmp_path: Path, stands: str) -> None:
    clock = tmp_path / "arrears-demo-1" / "clock"
    if stands == "runs":
        clock.parent.mkdir()
        clock.write_text("0")
    servers = environ(DATABASE_URL="given", REDIS_URL="given", ARREARS_CLOCK_FILE=str(clock))
    with (
        pytest.raises(ArrearsError, match=f"of a demo that {stands}. Open a new shell"),
        new_installation(servers, US),
    ):
        pass


@pytest.mark.parametrize("named", ["DATABASE_URL", "REDIS_URL"])
def test_one_server_of_ones_own_is_not_enough(named: str) -> None:
    with (
        pytest.raises(ArrearsError, match=f"{named} is set and .* is not"),
        new_installation(environ(**{named: "given"}), US),
    ):
        pass


def test_the_clock_is_moved_and_the_caller_s_own_settings_stay_outside(
    database_url: str, broker_url: str
) -> None:
    servers = environ(
        DATABASE_URL=database_url,
        REDIS_URL=broker_url,
        ARREARS_LENDER="A real lender",
        FLOWER_BASIC_AUTH="user:password",
    )
    with new_installation(servers, US) as installation:
        ctx = installation.ctx
        assert timedelta() <= ctx.now() - US.morning < timedelta(minutes=1)
        installation.move_clock(US.afternoon)
        assert timedelta() <= ctx.now() - US.afternoon < timedelta(minutes=1)
        assert ctx.settings.lender == "Example Lending"
        assert "FLOWER_BASIC_AUTH" not in installation.environment
        assert stat.S_IMODE(installation.environment_file.stat().st_mode) == 0o600
        directory: Path = installation.directory
    assert not directory.exists()


def test_the_chinese_sample_is_what_its_maker_makes(tmp_path: Path) -> None:
    make_chinese_sample(tmp_path / "sample.csv")
    assert (tmp_path / "sample.csv").read_bytes() == CN.tape.read_bytes()


def test_every_number_of_the_chinese_sample_is_a_short_message_centre() -> None:
    with CN.tape.open(encoding="utf-8", newline="") as stream:
        numbers = {
            number
            for row in csv.DictReader(stream)
            for number in (row["手机号"], row["保证人手机号"])
            if number
        }
    assert [number for number in numbers if not re.fullmatch(r"13800[1-9]\d\d500", number)] == [
        "1380013"  # no whole number
    ]


def test_every_chinese_text_is_registered_in_the_policy_of_the_demo(tmp_path: Path) -> None:
    values = policy_with_registered_texts(tmp_path / "policy")
    names = shipped_templates().names()
    found = load_sms_templates(tmp_path / "policy" / "sms_templates" / "tencent.yaml", names)
    assert {name for name, _ in found} == names - LETTERS
    assert {text.id: len(text.values) for text in found.values()} == values
