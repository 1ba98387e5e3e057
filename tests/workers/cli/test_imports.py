"""`arrears tape import` and `arrears payment record` as a person who slips meets them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from config.readers.tape_mapping_reader import MAPPINGS_DIRECTORY
from domain.language.speak import speak
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.loans import Book
from tests.workers.cli.test_commands import AS_OF, TAPE
from workers.db.schema import loan, payment, problem


@pytest.fixture
def environment(database_url: str, broker_url: str) -> dict[str, str]:
    return an_environment(database_url, broker_url)


@pytest.fixture
def installed(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An installation whose book has one loan, L-1, that owes 100."""
    (tmp_path / "tape.csv").write_text(TAPE)
    assert (
        arrears(environment, "tape", "import", "tape.csv", *AS_OF, folder=tmp_path).returncode == 0
    )
    return environment


def bring_in(
    environment: dict[str, str],
    folder: Path,
    tape: str | bytes,
    *options: str,
) -> tuple[int, str, str]:
    path = folder / "another.csv"
    path.write_bytes(tape if isinstance(tape, bytes) else tape.encode())
    done = arrears(environment, "tape", "import", path.name, *(options or AS_OF), folder=folder)
    return done.returncode, done.stdout, done.stderr


def test_a_tape_without_its_day_is_refused_with_the_reason(
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    code, _, said = bring_in(environment, tmp_path, TAPE, "--dry-run")

    assert code == 2
    assert "payments booked before that day are in the tape" in said


@pytest.mark.parametrize(
    ("as_of", "says"),
    [
        ("2199-01-01", "cannot stand for 2199-01-01: today is"),
        ("01.03.2026", "write it as 2026-03-01"),
        ("20260301", "write it as 2026-03-01"),
    ],
)
def test_a_day_that_no_tape_can_stand_for_is_refused(
    environment: dict[str, str],
    tmp_path: Path,
    as_of: str,
    says: str,
) -> None:
    code, _, said = bring_in(environment, tmp_path, TAPE, "--as-of", as_of)

    assert (code, says in " ".join(said.replace("│", " ").split())) == (2, True)


@pytest.mark.parametrize(
    ("tape", "says"),
    [
        (TAPE.replace(",", ";"), "it looks separated by ;"),
        (TAPE.replace(",", "\t"), "it looks separated by tabs"),
        (TAPE.replace("Li", "José").encode("latin-1"), "save the tape as CSV UTF-8."),
    ],
)
def test_a_file_that_is_no_csv_is_answered_in_one_line(
    environment: dict[str, str],
    tmp_path: Path,
    tape: str | bytes,
    says: str,
) -> None:
    code, _, said = bring_in(environment, tmp_path, tape)

    assert (code, says in said, len(said.splitlines())) == (2, True, 1)


def test_a_directory_is_said_to_be_one(
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    done = arrears(environment, "tape", "import", ".", *AS_OF, folder=tmp_path)

    assert (done.returncode, ". is a directory" in done.stderr) == (2, True)


def test_wrong_rows_make_a_dry_run_fail_and_masking_is_said_once(
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    wrong = TAPE.replace(",CNY,", ",Zl-99,")
    wrong += wrong.splitlines()[1].replace("L-1", "L-2") + "\n"

    code, _, said = bring_in(environment, tmp_path, wrong, *AS_OF, "--dry-run")

    assert code == 2
    assert said.count("found aa-##") == 2
    assert said.count("masked") == 1

    code, out, said = bring_in(environment, tmp_path, wrong, *AS_OF, "--keep-good")
    assert (code, "No row is right, so nothing is imported." in said) == (2, True)
    assert "0 good rows, 2 rejected." in out


def test_a_dry_run_counts_the_loans_with_problems(
    environment: dict[str, str], tmp_path: Path
) -> None:
    without = TAPE.replace("13800138000", "")
    _, _, said = bring_in(environment, tmp_path, without, *AS_OF, "--dry-run")
    assert "Loans with problems: phone_missing 1." in said


def test_a_dry_run_needs_only_the_settings_that_it_uses(
    environment: dict[str, str], tmp_path: Path
) -> None:
    used = ("PATH", "DATABASE_URL", "ARREARS_ENCRYPTION_KEYS", "ARREARS_ZONE")
    few = {name: environment[name] for name in used}
    code, said, _ = bring_in(few, tmp_path, TAPE, *AS_OF, "--dry-run")
    assert (code, "1 good rows" in said) == (0, True)
    code, _, said = bring_in(few, tmp_path, TAPE)
    assert (code, "ARREARS_LENDER is not set" in said) == (2, True)


def test_loans_that_no_ladder_is_for_come_in_with_a_warning_and_a_problem(
    environment: dict[str, str],
    engine: Engine,
    tmp_path: Path,
) -> None:
    code, _, said = bring_in(environment, tmp_path, TAPE.replace("consumer_loan", "car_loan"))

    assert (code, "1 loan(s) have no ladder: nothing will be done" in said) == (0, True)
    found = Book(engine).one(problem)
    assert (found.kind, "is for car_loan in CN in CNY" in speak(found.detail)) == (
        "no_ladder",
        True,
    )
    assert "no_ladder" in arrears(environment, "status").stdout

    bring_in(environment, tmp_path, TAPE)
    assert Book(engine).one(problem).resolved_at is not None


def test_columns_that_nobody_reads_are_named_once(
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    header, row, *_ = TAPE.splitlines()

    code, _, said = bring_in(environment, tmp_path, f"{header},branch,[x]\n{row},9,9\n")

    assert (code, said.strip()) == (0, "Columns not used: branch, [x].")


def test_a_payment_that_is_still_to_come_is_refused(installed: dict[str, str]) -> None:
    tomorrow = (date.today() + timedelta(days=2)).isoformat()

    done = arrears(
        installed,
        "payment",
        "record",
        "L-1",
        "10",
        "CNY",
        "--id",
        "P-1",
        "--paid-on",
        tomorrow,
    )

    assert (done.returncode, "is still to come" in done.stderr) == (2, True)
    gone = arrears(installed, "payment", "reverse", "P-1", "--reversed-on", tomorrow)
    assert (gone.returncode, "Correct --reversed-on" in gone.stderr) == (2, True)


def test_a_payment_without_an_id_is_refused(installed: dict[str, str], engine: Engine) -> None:
    done = arrears(installed, "payment", "record", "L-1", "10", "CNY", "--id", " ")

    assert (done.returncode, "is no id. An id has" in done.stderr) == (2, True)
    assert Book(engine).rows(payment) == []


def test_a_payment_the_tape_contains_is_noted_and_said_so(
    installed: dict[str, str], engine: Engine
) -> None:
    paid_on = ("--paid-on", "2026-03-01")

    done = arrears(installed, "payment", "record", "L-1", "100", "CNY", "--id", "P-1", *paid_on)

    assert done.returncode == 0
    assert "in the tape of 2026-03-02 already" in done.stdout
    assert "allocated to nothing" in done.stdout
    assert Book(engine).one(select(loan.c.delinquent_since)).delinquent_since == date(2026, 3, 2)


def test_what_is_left_over_of_a_payment_is_said(installed: dict[str, str]) -> None:
    done = arrears(installed, "payment", "record", "L-1", "150", "CNY", "--id", "P-1")
    assert "50.00 CNY of it is left over" in done.stdout

    done = arrears(installed, "payment", "record", "L-1", "10", "CNY", "--id", "P-2")
    assert (done.returncode, "10.00 CNY of it is left over" in done.stdout) == (0, True)


def test_another_payment_under_an_id_names_the_loan_it_is_recorded_for(
    installed: dict[str, str],
) -> None:
    arrears(installed, "payment", "record", "L-1", "10", "CNY", "--id", "P-1")

    done = arrears(installed, "payment", "record", "L-2", "20", "CNY", "--id", "P-1")

    assert (done.returncode, "for loan L-1" in done.stderr) == (2, True)


def test_a_locale_without_templates_in_the_mapping_is_said_once_with_its_line(
    environment: dict[str, str], tmp_path: Path
) -> None:
    shipped = (MAPPINGS_DIRECTORY / "arrears.yaml").read_text()
    mapping = shipped.replace("  locale: locale\n", "")
    assert mapping != shipped
    mapping += "\nconstants:\n  locale: fr\n"
    (tmp_path / "own.yaml").write_text(mapping)
    line = mapping.splitlines().index("  locale: fr") + 1

    code, _, said = bring_in(environment, tmp_path, TAPE, *AS_OF, "--mapping", "own.yaml")

    assert code == 2
    assert said.count("\n") == 1
    assert f"own.yaml line {line}: There are no templates in the locale fr. Write one of" in said


def test_a_tape_that_comes_in_is_said_to_be_imported(
    environment: dict[str, str], tmp_path: Path
) -> None:
    _, tried, _ = bring_in(environment, tmp_path, TAPE, *AS_OF, "--dry-run")
    _, done, _ = bring_in(environment, tmp_path, TAPE)

    assert "Imported" not in tried
    assert "Imported 1 loan(s) of another.csv as of 2026-03-02." in done


def test_before_a_ladder_is_in_force_the_day_is_named_from_which_one_is(
    environment: dict[str, str], engine: Engine, tmp_path: Path
) -> None:
    clock = tmp_path / "clock"
    earlier = datetime(2025, 6, 1, tzinfo=UTC) - datetime.now(UTC)
    clock.write_text(str(earlier.total_seconds()))

    code, _, _ = bring_in(
        environment | {"ARREARS_CLOCK_FILE": str(clock)}, tmp_path, TAPE, "--as-of", "2025-05-31"
    )

    found = Book(engine).one(problem)
    assert (code, found.kind) == (0, "no_ladder")
    assert "in CN in CNY is in force on 2025-06-01: the first one is from 2026-01-01." in speak(
        found.detail
    )
