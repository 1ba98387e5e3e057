"""What an installation gets: the wheel, built as the image builds it, and looked into."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[1]

DEMO = """
import sys
# Without the source checkout, which the tests' environment can import as well.
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in finder.__module__]
sys.argv = ["arrears", "demo"]
from workers.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("domain", "config", "workers"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir=dist"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, "."],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (path,) = (source / "dist").glob("*.whl")
    return path


def test_the_wheel_has_our_packages_and_their_data_without_the_simulator(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    assert "workers/cli/main.py" in names
    assert "workers/db/migrations/versions/0001_tables.py" in names
    assert "config/templates/en/reminder_first.txt" in names
    assert "domain/language/zh.toml" in names
    assert [name for name in names if name.startswith(("workers/simulator", "tests"))] == []


def test_the_demo_of_an_installation_says_where_it_is(wheel: Path, tmp_path: Path) -> None:
    ZipFile(wheel).extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", DEMO], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (
        2,
        "arrears: The demo is not part of the installed package. Clone the source repository and "
        "type `make demo` in it.\n",
    )
