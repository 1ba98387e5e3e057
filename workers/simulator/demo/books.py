"""The loan books of the demo, each with the day that is simulated on it."""

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import config
from config.readers.template_files import LETTERS

CONFIG = Path(config.__file__).parent
SAMPLES = CONFIG / "samples"

SMS_TEMPLATES = "sms_templates"
_FIRST_TEMPLATE_ID = 1000001


LAST_DAY_AFTER = timedelta(days=2)
"""After the first day. A promise for that day is broken by then: the money of a day is known after
the next night, so that it is judged on the morning after that."""


@dataclass(frozen=True, slots=True)
class DemoBook:
    """A sample tape, and what belongs to its lender."""

    name: str
    """As `arrears demo --book` takes it."""
    tape: Path
    mapping: str
    roster: Path
    lender: str
    lender_phone: str
    zone: str
    morning: datetime
    """When the day begins: some texts must wait then. The tape is the state before this day."""
    afternoon: datetime
    """When the texts that waited are lawful."""
    provider: Literal["twilio", "tencent"]
    """The simulated provider of texts: the name of its module in `workers.simulator.providers`."""
    help: str
    """What a borrower in difficulty writes …"""
    yes: str
    """… and what they answer to an offer."""

    @property
    def last_day(self) -> datetime:
        """When the last of the simulated days begins."""
        return self.afternoon + LAST_DAY_AFTER


US = DemoBook(
    name="us",
    tape=SAMPLES / "lending_club_sample.csv",
    mapping="lending_club_sample",
    roster=SAMPLES / "roster.yaml",
    lender="Example Lending",
    lender_phone="800-555-0199",  # reserved for fiction
    zone="America/New_York",
    # The sample tape is the state at the end of 25 June 2018. At 09:30 in New York it is 06:30 in
    # Los Angeles, where nobody may be texted before 08:00; at 15:00 it is noon there.
    morning=datetime(2018, 6, 25, 9, 30, tzinfo=ZoneInfo("America/New_York")),
    afternoon=datetime(2018, 6, 25, 15, 0, tzinfo=ZoneInfo("America/New_York")),
    provider="twilio",
    help="I lost my job. Is a payment plan possible?",
    yes="I accept the plan",
)

CN = DemoBook(
    name="cn",
    tape=SAMPLES / "chinese_sample.csv",
    mapping="chinese_sample",
    roster=SAMPLES / "chinese_roster.yaml",
    lender="示例消费金融",
    lender_phone="400-000-0000",
    zone="Asia/Shanghai",
    # A Tuesday. 1 March was a Sunday; Saturday, 28 February was worked in exchange for the Spring
    # Festival, which ended on the 23rd. Nobody may be contacted before 08:00.
    morning=datetime(2026, 3, 3, 7, 30, tzinfo=ZoneInfo("Asia/Shanghai")),
    afternoon=datetime(2026, 3, 3, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai")),
    provider="tencent",
    help="失业了，还款有困难，能分期吗",
    yes="同意这个方案",
)

BOOKS = {book.name: book for book in (US, CN)}


def policy_with_registered_texts(directory: Path) -> dict[str, int]:
    """Copy the shipped policy, and register every Chinese text with Tencent Cloud in the copy.

    Returns the id of each registered text, and how many values it has.
    """
    shutil.copytree(
        CONFIG,
        directory,
        ignore=shutil.ignore_patterns("*.py", "__pycache__", "readers", "samples", SMS_TEMPLATES),
    )
    values = {str(id): len(names) for id, (_, names) in _registered()}
    lines = [
        f"  {name}: {{zh-Hans: {{id: {id}, values: [{', '.join(names)}]}}}}\n"
        for id, (name, names) in _registered()
    ]
    written = directory / SMS_TEMPLATES / "tencent.yaml"
    written.parent.mkdir()
    written.write_text("templates:\n" + "".join(lines), encoding="utf-8")
    return values


def _registered() -> Iterator[tuple[int, tuple[str, list[str]]]]:
    texts: Mapping[str, Path] = {
        path.stem: path
        for path in sorted((CONFIG / "templates" / "zh-Hans").glob("*.txt"))
        if path.stem not in LETTERS
    }
    for id, (name, path) in enumerate(texts.items(), start=_FIRST_TEMPLATE_ID):
        yield id, (name, re.findall(r"{{ (\w+) }}", path.read_text(encoding="utf-8")))
