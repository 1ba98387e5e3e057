"""What somebody wrote into a file by mistake may be somebody's data: no error repeats it."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

import config
from config.readers.ladders import read_ladder
from config.readers.roster import read_roster
from config.readers.roster_terms import RosterTerms
from config.readers.rule_packs import read_rule_pack
from config.readers.tape_mapping import Field
from config.readers.tape_mapping_reader import load_mapping, read_mapping
from config.readers.yaml_files import read_yaml
from config.readers.yaml_reader import PolicyError
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.workers.tapes.test_missing_columns import ROW

MARKERS = ("quxzhang7731", "Qux 77317731", "2026-77-31")
PARTS = ("quxzhang", "Qux", "7731", "77-31")
SHIPPED = Path(config.__file__).parent


def shows(said: str) -> list[str]:
    return [part for part in PARTS if part in said]


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return {**an_environment(database_url), "ARREARS_ZONE": "UTC"}


def test_no_cell_of_a_tape_is_repeated(environment: dict[str, str], tmp_path: Path) -> None:
    columns = load_mapping("arrears").columns.values()
    good = {column: ROW.get(column, "") for column in columns}
    rows = []
    # The loan's id is said, so that the row can be found again.
    for column in (column for column in columns if column != "loan"):
        for marker in MARKERS:
            n = len(rows)
            loan = {"loan": f"L-{n}", "borrower": f"C-{n}", "co_borrower_1_id": "", "phone": ""}
            loan |= {"guarantor_1_id": "", "guarantor_2_id": "", "phone_2": "", "phone_3": ""}
            written = marker if column != "instalments" else f"2026-01-01 100 {marker}"
            rows.append(good | loan | {column: written})
    # Two people with one id, and an id with more than its own characters.
    rows += [good | {"loan": "L-a", "borrower": MARKERS[0], "name": "A", "phone": "13800138000"}]
    rows += [good | {"loan": "L-b", "borrower": MARKERS[0], "name": "B", "phone": "13900139000"}]
    rows += [good | {"loan": f"{MARKERS[0]}\u202e"}]
    with (tmp_path / "tape.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(columns))
        writer.writeheader()
        writer.writerows(rows)
    command = ("tape", "import", "tape.csv", "--as-of", "2026-01-02", "--rejects", "rejects.csv")
    for options in ((), ("--dry-run",), ("--keep-good",)):
        done = arrears(environment, *command, *options, folder=tmp_path)
        rejects = (tmp_path / "rejects.csv").read_text()
        assert rejects.count("\n") > 40, done.stderr
        assert shows(done.stdout + done.stderr + rejects) == []
    assert done.returncode == 0, done.stderr
    listed = json.loads(arrears(environment, "problems", "list", "--json").stdout)
    details = [row["detail"] for row in listed["loans"]["rows"] if row["kind"] != "no_ladder"]
    assert details
    assert shows(json.dumps(details)) == []


def test_an_unknown_status_of_the_lender_is_not_repeated(
    environment: dict[str, str], tmp_path: Path
) -> None:
    tape = (SHIPPED / "samples" / "lending_club_sample.csv").read_text(encoding="utf-8")
    header, *lines = tape.splitlines()[:12]
    (tmp_path / "tape.csv").write_text(
        "\n".join([header, *(line.replace("Current", MARKERS[0]) for line in lines)])
    )
    mapping = ("--mapping", "lending_club_sample", "--as-of", "2018-06-25")
    done = arrears(environment, "tape", "import", "tape.csv", *mapping, folder=tmp_path)
    assert (done.returncode, shows(done.stdout + done.stderr)) == (0, [])


def scalars(node: Node) -> Iterator[ScalarNode]:
    match node:
        case ScalarNode():
            yield node
        case SequenceNode():
            for child in node.value:
                yield from scalars(child)
        case MappingNode():
            for key, child in node.value:
                yield from (*scalars(key), *scalars(child))


def mistakes(text: str, every: int, markers: Sequence[str] = MARKERS) -> Iterator[str]:
    """The file with a marker instead of a key or a value; some of them are allowed."""
    for n, node in enumerate(scalars(YAML().compose(text))):
        if n % every == 0:
            before, after = text[: node.start_mark.index], text[node.end_mark.index :]
            yield from (f"{before}{marker}{after}" for marker in markers)


def refusals(read: Callable[[Path], object], path: Path, texts: Iterable[str]) -> list[str]:
    """What is said of these files, of those that are refused."""
    said = []
    for text in texts:
        path.write_text(text)
        try:
            read(path)
        except PolicyError as error:
            said.append(str(error))
    return said


def test_no_value_of_a_roster_is_repeated(environment: dict[str, str], tmp_path: Path) -> None:
    read = partial(read_roster, terms=RosterTerms(date(2026, 3, 2)))
    roster = tmp_path / "roster.yaml"
    sample = (SHIPPED / "samples" / "roster.yaml").read_text()
    start = sample.index("  - id")
    some = sample[:start] + sample[start:].split("\n  - id", 2)[0] + "\n"
    others = (f"staff: *{MARKERS[0]}\n", MARKERS[0], f"- {MARKERS[0]}")
    said = refusals(read, roster, (*mistakes(some, 1), *others))
    assert len(said) > 20
    assert [each for each in said if shows(each)] == []
    done = arrears(environment, "roster", "load", "roster.yaml", folder=tmp_path)
    assert (done.returncode, shows(done.stdout + done.stderr)) == (2, [])


@pytest.mark.parametrize(
    ("file", "read", "every"),
    [
        ("mappings/arrears.yaml", read_mapping, 2),
        ("mappings/lending_club_sample.yaml", read_mapping, 2),
        # Steps and rules have ids of the lender's own, and remedies name them.
        ("ladders/consumer_loan_us.yaml", lambda path: read_ladder(read_yaml(path), ["x"]), 7),
        ("rule_packs/us_ma.yaml", lambda path: read_rule_pack(read_yaml(path)), 7),
    ],
)
def test_no_value_of_a_policy_or_a_mapping_is_repeated(
    tmp_path: Path, file: str, read: Callable[[Path], object], every: int
) -> None:
    markers = MARKERS if file.startswith("mappings") else MARKERS[1:]
    texts = mistakes((SHIPPED / file).read_text(), every, markers)
    said = refusals(read, tmp_path / "file.yaml", texts)
    assert len(said) > 5
    assert [each for each in said if shows(each)] == []


def test_every_column_of_a_tape_is_tried() -> None:
    """So that a new one is."""
    assert set(Field) >= set(load_mapping("arrears").columns)
