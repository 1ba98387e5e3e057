"""Where the tests keep temporary files."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.support import in_memory
from tests.support.in_memory import keep_temporary_files_in_memory


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", "")  # so that what a test sets is taken back
    monkeypatch.delenv("TMPDIR")


def test_they_are_in_memory_where_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_memory, "ROOM", 1)

    assert keep_temporary_files_in_memory(tmp_path)

    assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(tmp_path)


def test_they_stay_on_the_disk_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not keep_temporary_files_in_memory(tmp_path / "nothing")
    monkeypatch.setattr(in_memory, "ROOM", 2**60)
    assert not keep_temporary_files_in_memory(tmp_path)

    assert "TMPDIR" not in os.environ


def test_a_place_that_was_named_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_memory, "ROOM", 1)
    monkeypatch.setenv("TMPDIR", "/elsewhere")

    assert not keep_temporary_files_in_memory(tmp_path)

    assert os.environ["TMPDIR"] == "/elsewhere"
