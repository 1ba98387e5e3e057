"""A new type of action needs one declaration and its use case, and nothing else."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import config
from domain.actions import ACTION_TYPES, ActionType
from domain.language.speak import LANGUAGES
from tests.support.compose import ROOT
from tests.support.environment import an_environment
from workers.actions.run import use_case
from workers.db.schema import metadata

DECLARATION = """
from domain.actions import ACTION_TYPES, ActionStatus, ActionType
from domain.compliance.vocabulary import Channel

ACTION_TYPES["ask_mediator"] = ActionType(
    "ask_mediator",
    channel=Channel.LEGAL,
    queue="mediation",
    use_case="tests.support.mediation:ask_mediator",
    effect_table="contact",
    words={"en": "a mediation", "zh": "调解"},
    events={ActionStatus.DONE: "legal_file.opened"},
)
"""

RUN = """
from tests.support.mediation import run_a_day
run_a_day()
"""

ITEM = """
      - item: mediation
        do: ask_mediator
        approval: supervisor
"""


@pytest.fixture
def policy_dir(tmp_path: Path) -> Path:
    """The policy that ships, and one more item on the first step of a ladder."""
    policy = tmp_path / "policy"
    shutil.copytree(Path(config.__file__).parent, policy)
    ladder = policy / "ladders" / "consumer_loan_cn.yaml"
    before, rest, after = ladder.read_text().partition("\n  - rest: true")
    ladder.write_text(before.rstrip() + ITEM + rest + after)
    return policy


def test_a_type_that_nothing_else_knows_of_works_from_the_ladder_to_the_history(
    database_url: str, broker_url: str, policy_dir: Path
) -> None:
    # In a process of its own: what derives from the registry does so when it is imported.
    environment = an_environment(database_url, broker_url) | {
        "ARREARS_POLICY_DIR": str(policy_dir),
        "ARREARS_EVENTS_OUT_URL": "http://127.0.0.1:1/",
        "ARREARS_EVENTS_OUT_SECRETS": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    }
    done = subprocess.run(
        [sys.executable, "-c", DECLARATION + RUN],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)

    assert seen["planned as"] == "awaiting_approval"
    assert seen["to approve"] == [["mediation", "supervisor"]]
    assert seen["messages"] == [["arrears.mediation.ask_mediator", "asked"]]
    assert seen["status"] == {"done": 1}
    assert "a mediation" in seen["en"]
    assert "调解" in seen["zh"]
    assert seen["events"] == ["legal_file.opened", "loan.escalated"]
    assert (seen["unexplained"], seen["duplicates"]) == ({}, 0)


@pytest.mark.parametrize("action_type", ACTION_TYPES.values(), ids=str)
def test_what_a_declaration_names_exists(action_type: ActionType) -> None:
    assert callable(use_case(action_type))
    assert "action_id" in metadata.tables[action_type.effect_table].c
    assert set(action_type.words) == set(LANGUAGES)
