"""The documentation says what is so: settings, words and places that exist."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import typer.main
from pydantic.fields import FieldInfo
from typer.core import TyperGroup

from config.readers.rule_kinds import RULE_KINDS
from config.readers.rule_packs import RULE_KEYS
from config.settings import Settings
from domain.actions import ACTION_TYPES, ActionStatus
from domain.compliance.verdict import Permission
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import ArrearsReason, ContactOutcome
from domain.decision import Outcome
from domain.events import InboxStatus, OutboxStatus
from domain.holds import HoldKind
from domain.inbound_texts import Meaning, ReplyKind
from domain.ladder import MissedSteps
from domain.language.sentences import chinese_words
from domain.messages import MessageStatus
from domain.promises import PromiseStatus
from workers import queues
from workers.borrowers.contact_details import RESOLVES
from workers.cli.main import COMMANDS, app
from workers.db.problems import TAPE_PROBLEMS
from workers.gate.problems import CLOSED, PROBLEMS
from workers.http.permission_of import AT_THE_DESK
from workers.inbox.kinds import EVENT_KINDS
from workers.queues import QUEUES, Queue, task_name

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), *ROOT.glob("*.md")]
CODE = re.compile(r"^```\w+\n(.*?)^```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|[\s/：（])arrears ([a-z][a-z-]+)([^#\n]*)", re.MULTILINE)
SOMEBODYS_MACHINE = re.compile(r"/home/|/Users/|/root/|[A-Z]:\\Users")

TEXT_OF = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in PAGES}
"""Each page. A test reads all of them, and its failure names each page with what is wrong there."""


def rows(page: str) -> dict[str, list[str]]:
    """The tables of a page: the first cell of each row, and the other cells."""
    cells = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in (DOCS / page).read_text().splitlines()
        if line.startswith("| ")
    ]
    return {row[0].strip("`| "): [cell.strip("| ") for cell in row[1:]] for row in cells}


def default(field: FieldInfo) -> str:
    """The default as the table writes it."""
    match field.default:
        case _ if field.is_required():
            return "needed"
        case None:
            return "none"
        case Path() as path:
            return f"`{path.name}`"
        case list() | frozenset() as several:
            return f"`{','.join(several)}`"
        case value:
            return f"`{value}`"


def test_a_setting_is_documented_with_its_default() -> None:
    table = {name: cells[:1] for name, cells in rows("settings.md").items()}
    wrong = {
        name: table.get(name)
        for field in Settings.model_fields.values()
        if table.get(name := str(field.alias)) != [default(field)]
    }
    assert wrong == {}


def test_no_setting_is_documented_that_does_not_exist() -> None:
    ours, _ = (DOCS / "settings.md").read_text().split("\n## Settings of other programs\n")
    documented = re.findall(r"^\| `(\w+)` \|", ours, re.MULTILINE)
    assert sorted(documented) == sorted(
        str(field.alias) for field in Settings.model_fields.values()
    )


IN_THE_GLOSSARY: tuple[tuple[str, Iterable[str]], ...] = (
    ("The life of an action:", ActionStatus),
    ("What is known of a text:", MessageStatus),
    ("The life of a promise:", PromiseStatus),
    ("Events in, from the lender's systems and from providers:", InboxStatus),
    ("Events out, to the lender's systems:", OutboxStatus),
    ("What a borrower's text asks for:", ReplyKind),
    ("What a person says that a borrower's text means:", Meaning),
    ("The outcome of an attempt:", ContactOutcome),
    ("## Pausing", HoldKind),
    ("reason for arrears", ArrearsReason),
    ("outcome", Outcome),
    ("verdict", Permission),
    ("channel", Channel),
    ("action type", ACTION_TYPES),
    ("missed steps", MissedSteps),
)


def test_every_word_of_the_code_is_in_the_glossary() -> None:
    glossary = (DOCS / "glossary.md").read_text()
    missing = [
        (place, word)
        for place, words in IN_THE_GLOSSARY
        for word in {*words} - {*words_described_in(place, glossary)}
    ]
    assert missing == []


@pytest.mark.parametrize("page", ["staff.md", "zh/staff.md"])
def test_the_manuals_of_staff_have_every_outcome_and_every_reason_once(page: str) -> None:
    described = re.findall(r"^\| `(\w+)`", (DOCS / page).read_text(), re.MULTILINE)
    assert sorted(described) == sorted({*map(str, ContactOutcome), *map(str, ArrearsReason)})


def test_the_chinese_glossary_has_the_same_words_with_the_same_names() -> None:
    def words(page: str) -> list[tuple[str, str]]:
        rows = re.findall(r"^\| (.+?) \| (.+?) \|", (DOCS / page).read_text(), re.MULTILINE)
        return [row for row in rows if row[1] != "中文"]

    assert words("zh/glossary.md") == words("glossary.md")


def words_described_in(place: str, glossary: str) -> list[str]:
    """The words of the code in the table below the line `place`, or in the row of that name.

    One word can be the status of several things: each has its own table.
    """
    if f"\n{place}\n\n|" in glossary:
        table = glossary.split(f"\n{place}\n\n")[1].split("\n\n")[0]
        return re.findall(r"^\| `(\w+)`", table, re.MULTILINE)
    (row,) = re.findall(rf"^\| {place} \|(?! 中文).*", glossary, re.MULTILINE)
    return re.findall(r"`(\w+)`", row)


@pytest.mark.parametrize("page", ["architecture.md", "zh/architecture.md"])
def test_every_queue_is_on_the_pages_about_architecture(page: str) -> None:
    described = (DOCS / page).read_text()
    assert [queue for queue in QUEUES if f"`{queue}`" not in described] == []


def anchors(text: str) -> set[str]:
    """Where a link may lead within a page: its headings, as they stand in an address."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


def test_a_link_leads_to_a_file_and_a_heading_that_exist() -> None:
    wrong = []
    for page, text in TEXT_OF.items():
        for link, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)#]*)(?:#([^)]+))?\)", text):
            target = (ROOT / page).parent / link if link else ROOT / page
            within = anchor and target.suffix == ".md" and target.exists()
            if not target.exists() or (within and anchor not in anchors(target.read_text())):
                wrong.append((page, link, anchor))
    assert wrong == []


def test_a_place_in_the_code_that_a_page_names_exists() -> None:
    wrong = [
        (page, place)
        for page, text in TEXT_OF.items()
        for place in re.findall(r"`((?:domain|config|workers|tests|docs)/[\w/.-]+)`", text)
        if not (ROOT / place).exists()
    ]
    assert wrong == []


def test_no_page_names_a_path_of_somebodys_machine() -> None:
    assert [page for page, text in TEXT_OF.items() if SOMEBODYS_MACHINE.search(text)] == []


def commands_that_do_not_exist(text: str) -> list[str]:
    """The commands in a text that have no such name, verb or option."""
    commands = typer.main.get_group(app).commands
    wrong = []
    # In the image the program has the name of the package.
    for name, rest in COMMAND.findall(text.replace("arrears arrears", "arrears")):
        typed, word = f"{name}{rest}", (rest.split() or [""])[0]
        command = commands.get(name)
        inside = getattr(command, "commands", {})
        if command is None or (inside and word and word not in inside):
            wrong.append(typed)
            continue
        known = {option for each in inside.get(word, command).params for option in each.opts}
        if not {*re.findall(r"--[a-z-]+", rest)} <= known:
            wrong.append(typed)
    return wrong


def messages(module: ast.Module) -> Iterator[str]:
    """The strings of a module that are not docstrings."""
    docstrings = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            yield str(node.value)


def test_a_command_that_a_page_shows_exists_with_its_options() -> None:
    shown = {
        page: "\n".join(block or inline for block, inline in CODE.findall(text))
        for page, text in TEXT_OF.items()
    }
    assert sum(len(COMMAND.findall(text)) for text in shown.values()) > 100
    wrong = {page: commands_that_do_not_exist(text) for page, text in shown.items()}
    assert {page: typed for page, typed in wrong.items() if typed} == {}


def test_a_command_that_a_message_names_exists_with_its_verb() -> None:
    """A remedy such as "`arrears problems` lists them" must not lead to a page of help."""
    named = [
        inline
        for package in ("domain", "config", "workers")
        for path in sorted((ROOT / package).rglob("*.py"))
        for text in messages(ast.parse(path.read_text()))
        for inline in re.findall(r"`(arrears [^`]+)`", text)
    ]
    assert commands_that_do_not_exist("\n".join(named)) == []
    groups = {name for name, found in COMMANDS.items() if found[0].endswith(":app")}
    assert [typed for typed in named if typed.removeprefix("arrears ") in groups] == []


def test_the_runbook_knows_every_repair() -> None:
    page = (DOCS / "runbook.md").read_text()
    of_beat = tuple(task_name(queue, "") for queue in (Queue.DISPATCH, Queue.MAINTENANCE))
    named = [value for value in vars(queues).values() if str(value).startswith(of_beat)]
    tasks = {str(name).split(".")[2] for name in named}
    assert len(tasks) > 5
    assert {task for task in tasks if f"`{task}`" not in page} == set()


def kinds_of_problems() -> set[str]:
    """Every kind that the code records: the argument `kind` of what makes a problem."""
    place = {"Problem": 0, "FoundProblem": 1, "note_problem": 2}
    constants, given = {}, set()
    for path in (ROOT / "workers").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Assign([ast.Name(name)], ast.Constant(str(value))):
                    constants[name] = value
                case ast.Call(ast.Name(maker), arguments) if maker in place:
                    given |= {ast.unparse(each) for each in arguments[place[maker] :][:1]}
    known = {constants.get(each, each.strip("'")) for each in given}
    named = {kind for kind in known if re.fullmatch(r"[a-z]+(_[a-z]+)+", kind)}
    return named | {*PROBLEMS.values(), *CLOSED.values(), *RESOLVES, *TAPE_PROBLEMS}


def test_both_runbooks_say_what_to_do_about_every_problem() -> None:
    kinds = kinds_of_problems()
    assert len(kinds) > 30
    assert kinds - set(chinese_words("problem")) == set()
    for page in ("runbook.md", "zh/runbook.md"):
        headed = " ".join(re.findall(r"\*\*(.+?)\*\*", (DOCS / page).read_text()))
        assert {kind for kind in kinds if f"`{kind}`" not in headed} == set(), page


def test_the_runbook_types_commands_that_exist() -> None:
    page = (DOCS / "runbook.md").read_text()
    known = typer.main.get_group(app).commands
    for typed in re.findall(r"`?arrears ([a-z-]+)(?: ([a-z-]+)\b)?", page):
        command = known.get(typed[0])
        assert command, typed
        if isinstance(command, TyperGroup) and typed[1]:
            assert typed[1] in command.commands, typed


@pytest.mark.parametrize("page", ["rules.md", "zh/rules.md"])
def test_every_kind_of_rule_is_described_with_its_keys(page: str) -> None:
    described = rows(page)
    for name, kind in RULE_KINDS.items():
        assert set(kind.keys.split()) == set(described[name][0].replace("`", "").split())


@pytest.mark.parametrize("page", ["rules.md", "zh/rules.md"])
def test_every_key_that_a_rule_may_leave_out_is_described(page: str) -> None:
    written = (DOCS / page).read_text()
    assert [key for key in RULE_KEYS.split() if f"`{key}`" not in written] == []


def test_both_pages_about_rules_describe_the_same_keys_and_words() -> None:
    english, chinese = rows("rules.md"), rows("zh/rules.md")
    for name, kind in RULE_KINDS.items():
        keys, described = english[name]
        assert chinese[name][0] == keys, kind
        words = set(re.findall(r"`([a-z_]+)`", described))
        assert words <= set(re.findall(r"[a-z_]+", " ".join(chinese[name]))), kind


@pytest.mark.parametrize("page", ["events.md", "zh/events.md"])
def test_every_kind_of_event_in_is_described_with_its_fields(page: str) -> None:
    described = rows(page)
    for kind in EVENT_KINDS.values():
        if kind.data:
            fields = described[kind.name][0].replace("`", "").split()
            assert fields == list(kind.data.model_fields)


@pytest.mark.parametrize("page", ["events.md", "settings.md"])
def test_a_chinese_page_names_every_code_that_the_english_one_names(page: str) -> None:
    """Types, fields, words and statuses; an example of how something is written may differ."""
    english, chinese = rows(page), rows(f"zh/{page}")
    written = (DOCS / page).read_text()
    for name, cells in english.items():
        if f"\n| `{name}`" not in written:
            continue  # a heading, or a sentence
        assert name in chinese, name
        codes = set(re.findall(r"`([A-Za-z][\w.]*)`", " ".join(cells)))
        assert {code for code in codes if code not in " ".join(chinese[name])} == set(), name


FIGURES_ALONE = "performance.md"
"""Its Chinese page has the figures, and not how each of them was reached."""


def named(text: str) -> set[str]:
    """What a page says that can be typed: commands, options, settings and words of the code."""
    code = CODE.findall(text)
    shown = "\n".join(block or inline for block, inline in code)
    words = "\n".join(inline for _, inline in code)
    commands = {
        " ".join(["arrears", name, *re.findall(r"^ ([a-z][a-z-]+)", rest)])
        for name, rest in COMMAND.findall(shown)
    }
    return (
        commands
        | set(re.findall(r"--[a-z][a-z-]+|\bARREARS_\w+", shown))
        | set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", words))
    )


def test_a_chinese_page_has_each_command_option_setting_and_word_of_the_english_one() -> None:
    missing = {
        page.name: named(page.read_text()) - named((DOCS / "zh" / page.name).read_text())
        for page in DOCS.glob("*.md")
        if page.name != FIGURES_ALONE
    }
    assert {page: words for page, words in missing.items() if words} == {}


def test_both_first_pages_make_the_same_promises() -> None:
    english = re.findall(r"^\| \*\*([^*]+)\*\*", (ROOT / "README.md").read_text(), re.MULTILINE)
    chinese = (DOCS / "zh" / "README.md").read_text().split("项承诺\n")[1].split("\n## ")[0]
    assert len(re.findall(r"^- \*\*", chinese, re.MULTILINE)) == len(english) > 5


def test_every_page_stands_in_both_languages_and_the_chinese_first_page_leads_to_it() -> None:
    english, chinese = ({path.name for path in of.glob("*.md")} for of in (DOCS, DOCS / "zh"))
    page = (DOCS / "zh" / "README.md").read_text()
    assert chinese == english | {"README.md"}
    assert {name for name in english if f"({name})" not in page} == set()
    assert {name for name in english if f"(../{name})" not in page} == set()


@pytest.mark.parametrize("page", ["api.md", "zh/api.md"])
def test_the_page_of_the_api_has_every_call_with_its_permission(page: str) -> None:
    written = {call: cells[1].strip("`") for call, cells in rows(page).items() if "/" in call}
    assert written == {call: str(permission) for call, permission in AT_THE_DESK.items()}
