"""Files outside the database are shared where their folder says so, and nowhere else."""

import os
import stat
from pathlib import Path

import pytest

from workers.sending.counter_file import Count, CounterFile


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


@pytest.mark.parametrize(
    ("of_folder", "of_files"), [(0o2770, 0o664), (0o700, 0o644), (0o755, 0o644)]
)
def test_a_file_lets_its_group_write_where_the_folder_does(
    tmp_path: Path, of_folder: int, of_files: int
) -> None:
    folder = tmp_path / "arrears"
    folder.mkdir()
    folder.chmod(of_folder)
    file = CounterFile(folder / "counter")

    umask = os.umask(0o022)
    try:
        file.begin(Count("7", "", 0), None)
        file.raise_to(8)
    finally:
        os.umask(umask)

    assert modes(folder) == {of_files}
    assert file.read() == Count("7", "", 8)
