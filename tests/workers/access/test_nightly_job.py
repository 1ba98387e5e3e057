"""A nightly job has a token of its own, and may do what its scopes say."""

import json
import re
from pathlib import Path

from sqlalchemy import Engine, func, select

from domain.permissions import PERMISSIONS, Permission
from tests.support.commands import arrears, arrears_process, granted
from tests.support.environment import an_environment
from tests.workers.cli.test_commands import AS_OF, TAPE
from workers.access.secrets import NAMES_FILE, digest_of, fingerprint_of
from workers.db.schema import second_person_request as request


def test_the_permissions_of_a_role_and_those_of_machines_are_listed_alone(
    database_url: str,
) -> None:
    environment = an_environment(database_url)
    of_caller = json.loads(arrears(environment, "permissions", "--of", "caller", "--json").stdout)
    assert Permission.START_CALLS in of_caller
    assert Permission.CHANGE_ROSTER not in of_caller
    scopes = json.loads(arrears(environment, "permissions", "--machines", "--json").stdout)
    assert set(scopes) == {each for each in Permission if PERMISSIONS[each].machines}
    wrong = arrears(environment, "machine", "allow", "core", "roster:change")
    assert (wrong.returncode, "no scope of machines" in wrong.stderr) == (2, True)


def test_nobody_is_asked_for_what_would_be_refused(database_url: str, engine: Engine) -> None:
    environment = an_environment(database_url)
    fingerprint = fingerprint_of(digest_of("a secret"))
    for command, says in (
        (("token", "enrol", "nobody", fingerprint), "Nobody on the roster"),
        (("token", "enrol", "nobody", fingerprint, "--machine"), "No machine is called nobody"),
        (("machine", "allow", "job", "tape:import", "--until", "2018-01-01"), "has passed"),
    ):
        refused = arrears(environment, *command)
        assert (refused.returncode, says in refused.stderr) == (2, True), refused.stderr
    with engine.connect() as connection:
        assert connection.execute(select(func.count(request.c.id))).scalar() == 0


def test_a_job_imports_the_tape_and_can_do_nothing_else(
    database_url: str, broker_url: str, tmp_path: Path
) -> None:
    environment = an_environment(database_url, broker_url)
    token, tape = tmp_path / "token", tmp_path / "tape.csv"
    tape.write_text(TAPE)
    made = arrears(environment, "token", "new", "--file", str(token)).stdout
    fingerprint = re.search(r"SHA256:\S+", made)
    assert fingerprint
    assert granted(environment, "machine", "allow", "nightly", "tape:import").returncode == 0
    enrolled = granted(environment, "token", "enrol", "nightly", fingerprint[0], "--machine")
    assert enrolled.returncode == 0, enrolled.stderr

    job = {**environment, NAMES_FILE: str(token)}
    done = arrears_process(job, "tape", "import", str(tape), *AS_OF)
    assert (done.returncode, "1 good rows" in done.stdout) == (0, True), done.stderr
    refused = arrears(job, "explain", "L-1")
    assert refused.returncode == 2
    assert "The machine nightly lacks the scope loans:read." in refused.stderr.replace("\n", " ")

    assert arrears(environment, "machine", "revoke", "nightly").returncode == 0
    over = arrears(job, "tape", "import", str(tape), *AS_OF)
    assert (over.returncode, "was revoked" in over.stderr) == (2, True)
