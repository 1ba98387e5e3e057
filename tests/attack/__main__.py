"""Run every test that tries an attack, and say of each attack whether it held or broke."""

import sys
from collections import defaultdict
from typing import Any

import pytest
from rich.console import Console

from tests.attack.attacks import ATTACKS

HELD, BROKEN, NOT_TRIED = "held", "broken", "not tried"


class Report:
    """Collects what came of the tests of each attack."""

    def __init__(self) -> None:
        self._attack_of: dict[str, str] = {}
        self.failed: defaultdict[str, list[str]] = defaultdict(list)
        self.tried: defaultdict[str, int] = defaultdict(int)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Remember which attack each test tries."""
        for item in items:
            if marker := item.get_closest_marker("attack"):
                self._attack_of[item.nodeid] = marker.args[0]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the test for its attack, or what it tried, if it says how much that was."""
        attack = self._attack_of[report.nodeid]
        if report.when == "call":
            self.tried[attack] += dict(report.user_properties).get("tried", 1)
        if report.failed or report.skipped:
            self.failed[attack].append(report.nodeid)

    def verdict(self, attack: str) -> str:
        """What came of an attack."""
        if self.failed[attack]:
            return BROKEN
        return HELD if self.tried[attack] else NOT_TRIED


def main() -> int:
    """Run them; the exit code is 0 only if every attack was tried and held."""
    report, console = Report(), Console(highlight=False)
    # Without pytest's own report, and so without the options of `pyproject.toml` for it.
    options: list[Any] = ["-m", "attack", "-p", "no:terminal", "-p", "no:valkey", "-o", "addopts="]
    options += ["--strict-markers", "--strict-config", "--import-mode=importlib"]
    code = pytest.main([*options, *sys.argv[1:]], plugins=[report])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        console.print("The attacks could not be run; `make test` shows why.")
        return 2
    widest = max(map(len, ATTACKS))
    for attack, tries in ATTACKS.items():
        console.print(
            f"{report.verdict(attack):9}  {report.tried[attack]:4}  {attack:{widest}}  {tries}",
            markup=False,
            soft_wrap=True,
        )
        for test in report.failed[attack]:
            console.print(f"           {test}", markup=False, soft_wrap=True)
    return 0 if all(report.verdict(attack) == HELD for attack in ATTACKS) else 1


if __name__ == "__main__":
    sys.exit(main())
