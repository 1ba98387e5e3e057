"""The examples on the page about files are good ones: each is read by what reads the real files."""

import re
from datetime import date
from pathlib import Path

from config.readers.registered_templates import load_sms_templates
from config.readers.roster import read_roster
from config.readers.roster_terms import RosterTerms
from config.readers.tape_mapping import Field, TapeMapping
from config.readers.tape_mapping_reader import load_mapping, read_mapping
from config.readers.template_files import LETTER_PLACEHOLDERS
from config.readers.templates import Templates
from domain.actors import Role
from domain.loans import LoanOnTape
from tests.support.loans import shipped_policy, shipped_templates
from tests.support.tapes import read_tape
from workers.tapes.known_values import known_values
from workers.tapes.rejects import COLUMNS

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "docs" / "zh" / "files.md").read_text(encoding="utf-8")


def example(heading: str, page: str = PAGE) -> str:
    """The first code block of the section under this heading."""
    section = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return blocks(section)[0]


def blocks(page: str, language: str = r"\w+") -> list[str]:
    """The code blocks that stand by themselves."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def loans_of(folder: Path, tape: str, mapping: TapeMapping) -> list[LoanOnTape]:
    path = written(folder, "tape.csv", tape)
    known = known_values(shipped_policy(), shipped_templates())
    found = list(read_tape(path, mapping, date(2026, 3, 2), known=known))
    assert [row for row in found if not isinstance(row, LoanOnTape)] == []
    return [row for row in found if isinstance(row, LoanOnTape)]


def test_the_tape_comes_in_without_a_problem(tmp_path: Path) -> None:
    first, second = loans_of(tmp_path, example("A loan tape"), load_mapping("arrears"))

    assert [instalment.unpaid for instalment in first.instalments] == [0, 110]
    assert (first.problems, second.problems) == ((), ())
    assert second.borrower.zones[:2] == ("Asia/Shanghai", "Asia/Urumqi")
    assert second.steps_tried == ("remind", "enquire")


def test_the_table_of_the_tape_names_every_column() -> None:
    mapping = load_mapping("arrears")
    columns = set(mapping.of_tape(()).columns.values())
    assert columns == set(example("A loan tape").splitlines()[0].split(","))
    assert all(f"\n| `{column}` |" in PAGE for column in columns)
    assert all(f"`{column}`" in PAGE for column in (*COLUMNS["en"], *mapping.columns.values()))


def test_the_chinese_page_has_a_tape_that_comes_in_and_the_same_columns(tmp_path: Path) -> None:
    page = CHINESE
    mapping = load_mapping("arrears")
    (tape,) = blocks(page, "csv")
    (loan,) = loans_of(tmp_path, tape, mapping)
    assert loan.borrower.phone_2 == "+8613800138002"
    assert [party.record.name for party in loan.parties or ()] == ["示例乙"]
    assert all(f"| `{column}` |" in page for column in mapping.of_tape(()).columns.values())


def test_the_mapping_reads_a_tape_in_its_own_columns(tmp_path: Path) -> None:
    mapping = read_mapping(written(tmp_path, "yours.yaml", example("A mapping")))
    header = ",".join(mapping.columns.values())
    tape = f'{header}\n7,Li Example,13800138000,1 Road,"1,250.00",50,01/03/2026,0\n'

    (loan,) = loans_of(tmp_path, tape, mapping)

    assert loan.instalments[0].amount == 1300
    assert loan.instalments[0].due_on == date(2026, 3, 1)


def test_every_field_of_a_mapping_is_on_the_page() -> None:
    renamed = {Field.EXTERNAL_ID, Field.BORROWER_ID}
    assert [f for f in Field if f not in renamed and f"`{f}`" not in PAGE] == []


def test_the_roster_is_one(tmp_path: Path) -> None:
    for heading, page in (("A roster", PAGE), ("人员名册", CHINESE)):
        roster = written(tmp_path, "roster.yaml", example(heading, page))
        members = read_roster(roster, RosterTerms(date(2026, 3, 2))).staff

        assert [member.roles for member in members] == [
            (Role.CALLER,),
            (Role.VISITOR,),
            (Role.SUPERVISOR,),
        ]
        assert [role for role in Role if f" {role}" not in page] == []


def test_the_template_is_a_text_and_every_placeholder_is_explained(tmp_path: Path) -> None:
    for heading, page, locale in (("Templates", PAGE, "en"), ("模板", CHINESE, "zh-Hans")):
        folder = tmp_path / locale
        written(folder, f"{locale}/reminder.txt", example(heading, page))

        assert Templates.load(folder).names() == {"reminder"}
        assert [name for name in LETTER_PLACEHOLDERS if f"`{name}`" not in page] == []


def test_the_registered_texts_are_read(tmp_path: Path) -> None:
    template = ROOT / "config" / "templates" / "zh-Hans" / "reminder_first.txt"
    words = re.findall(r"{{ (\w+) }}", template.read_text(encoding="utf-8"))
    names = shipped_templates().names()
    for heading, page in (("Registered texts", PAGE), ("报备的短信", CHINESE)):
        path = written(tmp_path, "tencent.yaml", example(heading, page))
        found = load_sms_templates(path, names)["reminder_first", "zh-Hans"]
        assert list(found.values) == words
