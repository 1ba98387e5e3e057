"""The command line as a person meets it: what it says, what it exits with, what it never shows."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from typer.main import get_group

from config.settings import Settings
from tests.support.commands import arrears
from tests.support.databases import new_database
from tests.support.environment import an_environment
from tests.support.loans import KEY, Book
from workers.cli.main import app
from workers.db.engine import user_message
from workers.db.schema import loan, payment, policy_version

TAPE = (
    "loan,borrower,name,phone,address,locale,region,zones,jurisdiction,product,currency,"
    "instalments,paid_total,steps_tried\n"
    "L-1,,Li Example,13800138000,1 Example Road,zh-Hans,,Asia/Shanghai,CN,consumer_loan,CNY,"
    "2026-03-01 100.00,0,\n"
)
AS_OF = ("--as-of", "2026-03-02")


@pytest.fixture
def environment(database_url: str, broker_url: str) -> dict[str, str]:
    return {**an_environment(database_url, broker_url), "ARREARS_ENCRYPTION_KEYS": KEY}


def test_every_command_has_a_help_text(environment: dict[str, str]) -> None:
    shown = arrears(environment, "--help").stdout
    commands = get_group(app).commands
    assert len(commands) > 30
    for name, command in commands.items():
        assert f"\n  {name} " in shown
        for each in (command, *getattr(command, "commands", {}).values()):
            assert (each.help or "").strip(), f"{name} {each.name} says nothing of itself"


def test_check_says_that_all_is_well(environment: dict[str, str]) -> None:
    assert arrears(environment, "check").returncode == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"ARREARS_ZONE": "Mars/Olympus"}, "ARREARS_ZONE is not usable"),
        ({"ARREARS_ZONES": "Asia/Shanghai"}, "Did you mean ARREARS_ZONE?"),
        ({"TWILIO_AUTH_TOKENS": None}, "TWILIO_AUTH_TOKENS is not set"),
        ({"ARREARS_ENCRYPTION_KEYS": "hunter2"}, "`arrears keys new`"),
        ({"DATABASE_URL": "mysql://x"}, "must begin with postgresql://"),
        ({"DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:1/x"}, "cannot be reached"),
        ({"DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:1/x?no=1"}, "DATABASE_URL is not"),
        ({"REDIS_URL": "redis://:hunter2@127.0.0.1:1/0"}, "broker cannot be reached"),
        ({"REDIS_URL": "redis://:hunter2@127.0.0.1:1/0?no=1"}, "REDIS_URL is not usable"),
        ({"REDIS_URL": "redis://:hunter2@127.0.0.1:1/first"}, "must be a number"),
        ({"ARREARS_POLICY_DIR": "/nowhere"}, "/nowhere"),
        ({"REDIS_URL": None, "REDIS_URL_FILE": "/nowhere"}, "REDIS_URL_FILE names a file"),
    ],
)
def test_what_is_wrong_with_the_installation_is_said_in_a_sentence(
    environment: dict[str, str], change: dict[str, str | None], says: str
) -> None:
    changed = {**environment, **change}
    done = arrears({k: v for k, v in changed.items() if v is not None}, "check")

    assert done.returncode == 2
    assert says in done.stderr
    assert "hunter2" not in done.stdout + done.stderr, "no secret is shown"


def test_a_secret_can_come_from_a_file(environment: dict[str, str], tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text(environment.pop("ARREARS_ENCRYPTION_KEYS") + "\n")
    environment["ARREARS_ENCRYPTION_KEYS_FILE"] = str(secret)

    assert arrears(environment, "check").returncode == 0


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DROP TABLE alembic_version", "Run `arrears migrate`"),
        ("UPDATE alembic_version SET version_num = '9999'", "it is newer"),
    ],
)
def test_a_database_of_another_version_is_refused(
    environment: dict[str, str], engine: Engine, sql: str, says: str
) -> None:
    with engine.begin() as connection:
        connection.execute(text(sql))

    done = arrears(environment, "check")

    assert done.returncode == 2
    assert says in done.stderr


def test_a_changed_ladder_under_an_old_version_is_refused(
    environment: dict[str, str], tmp_path: Path
) -> None:
    shipped: Path = Settings.model_fields["policy_dir"].default
    for folder in ("ladders", "rule_packs", "legal_checklists", "replies", "templates"):
        (tmp_path / folder).symlink_to(shipped / folder)
    assert arrears(environment, "migrate").returncode == 0
    (tmp_path / "ladders").unlink()
    (tmp_path / "ladders").mkdir()
    for ladder in (shipped / "ladders").glob("*.yaml"):
        changed = ladder.read_text().replace("minimum_amount: ", "minimum_amount: 1")
        (tmp_path / "ladders" / ladder.name).write_text(changed)

    for command in ("migrate", "check"):
        done = arrears({**environment, "ARREARS_POLICY_DIR": str(tmp_path)}, command)

        assert done.returncode == 2
        assert "was changed after it was first used" in done.stderr


def test_check_changes_nothing(environment: dict[str, str], engine: Engine) -> None:
    assert arrears(environment, "check").returncode == 0
    assert Book(engine).rows(policy_version) == []


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "it is newer"),
        ("DROP TABLE alembic_version", "but no version"),
        ("DELETE FROM alembic_version", "but no version"),
    ],
)
def test_a_database_that_cannot_be_migrated_is_left_alone(
    environment: dict[str, str], engine: Engine, sql: str, says: str
) -> None:
    with engine.begin() as connection:
        connection.execute(text(sql))

    done = arrears(environment, "migrate")

    assert done.returncode == 2
    assert says in done.stderr


def test_a_user_who_may_not_make_tables_is_told_so(
    environment: dict[str, str], postgres_server: str
) -> None:
    with new_database(postgres_server) as url:
        server = create_engine(url)
        with server.begin() as connection:
            connection.execute(text("DROP SCHEMA public"))
        server.dispose()

        done = arrears(
            {**environment, "DATABASE_URL": url.render_as_string(hide_password=False)}, "migrate"
        )

    assert done.returncode == 2
    assert "The database refuses what was asked of it: no schema" in done.stderr


def test_a_database_that_others_keep_busy_is_not_said_to_be_away(engine: Engine) -> None:
    with engine.begin() as busy, engine.begin() as waiting:
        busy.execute(text("LOCK TABLE loan IN ACCESS EXCLUSIVE MODE"))
        waiting.execute(text("SET LOCAL lock_timeout = '50ms'"))
        with pytest.raises(OperationalError) as error:
            waiting.execute(select(loan))

    said = str(user_message(error.value))

    assert said.startswith("The database is busy: canceling statement due to lock timeout. Try")


def test_of_a_database_that_went_away_nothing_is_claimed_that_nobody_knows(engine: Engine) -> None:
    with engine.connect() as cut, engine.connect() as other:
        pid = cut.execute(text("SELECT pg_backend_pid()")).scalar_one()
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        with pytest.raises(DBAPIError) as error:
            cut.execute(text("SELECT 1"))

    said = str(user_message(error.value))

    assert said.startswith("The database went away: ")
    assert "Whether the last step was done is not known" in said


def test_a_tape_comes_in_a_payment_is_made_and_the_loan_explains_itself(
    environment: dict[str, str], engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "tape.csv").write_text(TAPE)

    done = arrears(environment, "tape", "import", "tape.csv", *AS_OF, folder=tmp_path)
    assert (done.returncode, "1 good rows" in done.stdout) == (0, True)
    done = arrears(environment, "payment", "record", "L-1", "100", "cny", "--id", "P-1")
    assert (done.returncode, "Nothing is past due any more" in done.stdout) == (0, True)
    history = arrears(environment, "explain", "L-1").stdout
    assert "Payment P-1" in history
    assert "Li Example" not in history
    status = json.loads(arrears(environment, "status", "--json").stdout)
    assert status

    book = Book(engine)
    assert book.one(payment).amount == 100
    assert book.one(select(loan.c.delinquent_since)).delinquent_since is None


def test_a_dry_run_brings_nothing_in(
    environment: dict[str, str], engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "tape.csv").write_text(TAPE)

    done = arrears(environment, "tape", "import", "tape.csv", *AS_OF, "--dry-run", folder=tmp_path)

    assert (done.returncode, "dry run" in done.stdout) == (0, True)
    assert Book(engine).rows(loan) == []


def test_a_tape_with_a_wrong_row_says_where_and_shows_no_value(
    environment: dict[str, str], tmp_path: Path
) -> None:
    header, row = TAPE.splitlines()
    wrong = row.replace(",CNY,", ",Zloty-13800138000,")
    (tmp_path / "tape.csv").write_text("\n".join((header, wrong, row.replace("L-1", "L-2"))))

    done = arrears(environment, "tape", "import", "tape.csv", *AS_OF, folder=tmp_path)

    assert done.returncode == 2
    assert "Line 2, loan L-1, column currency" in done.stderr
    assert "--keep-good" in done.stderr
    assert "13800138000" not in done.stderr + (tmp_path / "tape.rejects.csv").read_text()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("tape", "import", "none.csv", *AS_OF), "none.csv cannot be read"),
        (("tape", "import", "none.csv", *AS_OF, "--mapping", "none"), "There is no mapping none"),
        (
            ("payment", "record", "L-1", "much", "CNY", "--id", "P-1"),
            "is not an amount",
        ),
        (
            ("payment", "record", "L-1", "-5", "CNY", "--id", "P-1"),
            "is not an amount",
        ),
        (
            ("payment", "record", "L-1", "NaN", "CNY", "--id", "P-1"),
            "is not an amount",
        ),
        (("explain", "L-404"), "L-404"),
        (("approval", "grant", "L-404", "legal_file"), "L-404"),
        (("worker", "--queues", "sns"), "There is no queue sns"),
        (("flower", "--host", "0.0.0.0"), "FLOWER_BASIC_AUTH"),  # noqa: S104 - it must refuse
        (("roster", "load", "none.yaml"), "none.yaml"),
    ],
)
def test_a_mistake_of_the_person_is_answered_in_a_sentence(
    environment: dict[str, str], command: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    done = arrears(environment, *command, folder=tmp_path)

    assert done.returncode == 2
    assert says in done.stderr


def test_a_payment_for_a_loan_nobody_knows_is_kept_and_said_so(
    environment: dict[str, str],
) -> None:
    done = arrears(environment, "payment", "record", "L-404", "10", "CNY", "--id", "P-1")

    assert (done.returncode, "It is stored and not applied yet" in done.stderr) == (3, True)
    assert "L-404 is not known" in arrears(environment, "status").stdout


def test_a_payment_in_another_currency_is_refused_and_not_kept(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "tape.csv").write_text(TAPE)
    arrears(environment, "tape", "import", "tape.csv", *AS_OF, folder=tmp_path)

    done = arrears(environment, "payment", "record", "L-1", "10", "USD", "--id", "P-1")

    assert (done.returncode, "in USD and loan L-1 in CNY" in done.stderr) == (2, True)
    assert "in USD" not in arrears(environment, "status").stdout
    assert "in USD" not in arrears(environment, "explain", "L-1").stdout
