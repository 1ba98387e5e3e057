"""Arrears itself, judged: its workers race and are lost, and a broken engine is caught."""

import re

import pytest
from sqlalchemy import Engine

from domain.compliance import gate, number_choice
from domain.compliance.verdict import Permission, Verdict
from domain.reasons import ReasonCode, because
from tests.oracle import happenings
from tests.oracle.on_postgres import live_in_the_store
from tests.oracle.people_and_numbers import number_fact
from tests.oracle.situations import IN_STORE
from workers.calls import start
from workers.gate import check
from workers.gate import facts as gatekeeping


def test_an_engine_whose_workers_race_and_are_lost_keeps_every_law(engine: Engine) -> None:
    lived = live_in_the_store(engine, seed=5, borrowers=12, days=6, losses=0.03, events_a_day=1.2)
    found = lived.found
    assert found.offenders == []
    assert (found.unlawful, found.unexplained) == (0, 0)
    # Its workers race: no two runs are alike, and a rare situation may be left out.
    assert len([name for name in IN_STORE if not found.seen.days[name]]) <= 3
    came = {"tape: late", "tape: twice", "receipt: not delivered", "location call"}
    assert len(came - set(found.seen.events)) <= 1
    assert (lived.texted_twice, lived.evidence_wrong) == (0, 0)
    assert min(lived.by_channel[channel] for channel in ("sms", "call")) > 8
    assert lived.workers_lost > 8


def test_an_engine_that_forgets_facts_and_whose_collectors_go_round_the_gate_is_caught(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both faults in one run: texts to closed numbers show the first one, and calls that break
    anything else show the second."""
    for module in (gate, number_choice):
        monkeypatch.setattr(module, "stopped_by", lambda facts, channel: None)
    monkeypatch.setattr(start, "refuse_if_barred", lambda checked: None)
    monkeypatch.setattr(happenings, "RATES", {number_fact: 1})
    lived = live_in_the_store(engine, seed=4, borrowers=6, days=3, events_a_day=1.5)
    texts, calls = (
        [broken for broken in lived.found.offenders if f"channel='{channel}'" in broken]
        for channel in ("sms", "call")
    )
    assert any("the number was closed" in broken for broken in texts)
    of_gate = re.compile(r"contact_hours|contacts'|asked to be called later")
    assert any(of_gate.search(broken) for broken in calls)


def test_an_engine_that_claims_without_asking_is_caught(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    yes = Verdict(Permission.ALLOWED, ("nobody asked",), because(ReasonCode.NO_RULE_FORBIDS))
    monkeypatch.setattr(check, "may_contact", lambda facts, channel, at: yes)
    monkeypatch.setattr(gatekeeping, "may_contact", lambda facts, channel, at: yes)
    monkeypatch.setattr(check, "number_for", lambda facts, channel, at: facts.numbers[0])
    assert live_in_the_store(engine, seed=4, borrowers=6, days=2).found.unlawful > 0
