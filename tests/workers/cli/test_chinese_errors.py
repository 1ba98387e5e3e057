"""Whoever reads Chinese is refused in Chinese: settings, policy files, wrong usage, servers."""

import re
from functools import partial
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy.exc import OperationalError

from config.environment import load_settings
from config.readers.ladders import read_ladder
from config.readers.legal_checklists import read_legal_checklist
from config.readers.replies import ReplyReader
from config.readers.rule_packs import read_rule_pack
from config.readers.tape_mapping_reader import read_mapping
from config.readers.templates import Templates
from config.readers.yaml_files import read_yaml
from config.settings import Settings
from domain.errors import ArrearsError
from tests.support.commands import SHIPPED, arrears
from tests.support.environment import an_environment
from tests.workers.cli.test_chinese import LATIN
from workers.cli.language import said_error, said_text
from workers.db.engine import user_message
from workers.messaging.broker import assert_broker_reachable

CHINESE = {"LANG": "zh_CN.UTF-8", "PYTHONIOENCODING": "utf-8"}
NO_VALUE = (
    "",
    "  ",
    "x",
    "-1",
    "9999999",
    "a,,b",
    "http://h/?x",
    "*:",
    "CN: sms",
    "/nowhere",
    "+1",
)


@pytest.fixture(autouse=True)
def _reads_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in CHINESE.items():
        monkeypatch.setenv(name, value)


def assert_chinese(said: str) -> None:
    prose = re.sub(r"`[^`]*`|'[^']*'|（[^）]*）|(?<=用法：).*", "", said)
    assert re.search("[一-鿿]", prose), said
    assert not LATIN.search(prose), said
    assert not re.search(r"\{\w+[!:}]", prose), said


@pytest.mark.parametrize(
    "name", sorted(str(field.alias) for field in Settings.model_fields.values())
)
def test_a_wrong_setting_is_refused_in_chinese(name: str, tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff")
    files = {f"{name}_FILE": str(tmp_path / "bytes")}, {f"{name}_FILE": str(tmp_path / "none")}
    for changes in (*({name: value} for value in NO_VALUE), *files, {name + "X": "1"}):
        environment = {key: value for key, value in an_environment().items() if key != name}
        try:
            load_settings({**environment, **changes})
        except ArrearsError as error:
            for line in said_error(error).splitlines():
                assert_chinese(line)


def test_what_is_not_set_is_said_in_chinese() -> None:
    for line in arrears(CHINESE, "status").stderr.splitlines():
        assert_chinese(line)


READERS = {
    "ladders": partial(read_ladder, template_names=frozenset()),
    "rule_packs": read_rule_pack,
    "legal_checklists": read_legal_checklist,
    "replies": ReplyReader().read,
}


@pytest.mark.parametrize("folder", READERS)
def test_a_wrong_policy_file_is_refused_in_chinese(folder: str, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    shipped = next((SHIPPED / folder).glob("*.yaml")).read_text(encoding="utf-8")
    below = "\n".join(line for line in shipped.splitlines() if line.startswith((" ", "-")))
    for written in (
        "",
        "x",
        "x: 1",
        "\tx: 1",
        "x: [",
        shipped.replace("version: ", "version: -"),
        shipped.replace("id: ", "id: A"),
        shipped.replace("en: ", "fr: "),
        shipped.replace("kind: ", "kind: x"),
        shipped.replace("do: ", "do: x"),
        shipped.replace("days: ", "days: 1"),
        shipped.replace("language: ", "language: X"),
        f"{shipped}\nunknown: 1\n",
        shipped.replace(below, ""),
    ):
        file.write_text(written, encoding="utf-8")
        if written == shipped:
            continue
        with pytest.raises(ArrearsError) as refused:
            READERS[folder](read_yaml(file))
        for line in said_error(refused.value).splitlines():
            assert_chinese(line.replace(str(tmp_path), ""))


def test_a_wrong_mapping_and_a_wrong_template_are_refused_in_chinese(tmp_path: Path) -> None:
    mapping = tmp_path / "own.yaml"
    mapping.write_text("mapping: own\nschedule: {kind: levl}\npaid: {by: total, tolerance: 9}\n")
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "reminder.txt").write_text("{{ amount }} {{ secret }}")
    for read in (lambda: read_mapping(mapping), lambda: Templates.load(tmp_path)):
        with pytest.raises(ArrearsError) as refused:
            read()
        assert_chinese(said_error(refused.value).replace(str(tmp_path), ""))


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("nonsense", "没有命令'nonsense'"),
        ("paymen", "是否想写'payment'？"),
        ("payment record", "缺少参数'LOAN'。"),
        ("payment record L 1 CNY --id", "选项'--id'须有值。"),
        ("tape list --json=1", "选项'--json'不带值。"),
        ("explain 1 2", "多余的参数：2。"),
        ("status --jsn", "没有选项--jsn。是否想写--json？"),
        ("payment record L-1 5 CNY --id P --day 2026-03-06", "没有选项--day。"),
        ("rules CN --language xx", "'--language'：'xx'不在可选值之中"),
        ("worker --nice 77", "'77'无法使用：不得大于19。"),
    ],
)
def test_wrong_usage_is_said_in_chinese(command: str, says: str) -> None:
    done = arrears(CHINESE, *command.split())
    assert done.returncode == 2
    assert says in done.stderr.replace("。 ", "。")
    for line in done.stderr.splitlines():
        assert_chinese(line)


def test_a_page_of_help_has_chinese_headings() -> None:
    page = arrears(CHINESE, "payment", "record", "--help").stdout
    for heading in ("用法：", "参数:", "选项:", "[必填]", "显示此帮助。"):
        assert heading in page
    assert "Usage: arrears" in arrears({}, "payment", "record", "--help").stdout


def test_a_server_that_cannot_be_used_is_said_in_chinese() -> None:
    lost = OperationalError("select", None, psycopg2.OperationalError("connection lost\nrow"))
    assert said_text(user_message(lost)).startswith("与数据库的连接中断（connection lost）")
    with pytest.raises(ArrearsError) as refused:
        assert_broker_reachable("redis://127.0.0.1:1/0")
    assert "没有服务" in said_error(refused.value)
