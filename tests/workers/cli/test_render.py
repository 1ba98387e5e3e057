"""How rows are shown where the terminal is narrow: what is copied is never broken."""

from typing import NamedTuple

import pytest

from workers.cli import render
from workers.cli.render import Table


class Row(NamedTuple):
    loan: str
    code: str
    why: str


TABLE = Table[Row](
    "Rows",
    {"loan": lambda row: row.loan, "kind": lambda row: row.code, "why": lambda row: row.why},
)
ROW = Row("借据 2026-000000000001", "a_code_that_a_command_takes", "该号码不得用于电话联系。" * 3)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_no_id_and_no_code_is_broken_however_narrow_the_terminal_is(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(render.console, "width", width)
    TABLE.print([ROW])
    said = capsys.readouterr().out
    assert ROW.loan in said
    assert ROW.code in said


@pytest.mark.parametrize("width", [20, 30, 34, 36, 40, 80])
def test_a_code_behind_its_chinese_word_is_never_broken(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(render.console, "width", width)
    rows = [
        Row("L-1", code, ROW.why) for code in ("已跳过（skipped）", "电话（call）", "终止（dead）")
    ]
    TABLE.print(rows)
    said = capsys.readouterr().out
    for row in rows:
        code = row.code[row.code.index("（") :]
        assert code in said
