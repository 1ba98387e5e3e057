"""What an event may say of a conversation, a command may say too: one description of both."""

import pytest
from typer.core import TyperGroup

from domain.errors import ArrearsError
from workers.cli.main import _built
from workers.cli.outcome_options import MEMBERS, OPTIONS, _read
from workers.inbox.event_data.conversations import OutcomeData

BY_ITSELF = {"outcome", "callback_at"}
"""What each command reads by itself: the outcome is its argument, the moment is `--at`."""


def test_the_options_say_all_that_the_event_says() -> None:
    assert set(OutcomeData.model_fields) == MEMBERS | BY_ITSELF


@pytest.mark.parametrize(
    ("noun", "verb"), [("call", "outcome"), ("call", "inbound"), ("visit", "outcome")]
)
def test_every_command_that_reports_a_conversation_has_them_all(noun: str, verb: str) -> None:
    group = _built(noun)
    assert isinstance(group, TyperGroup)
    parameters = {parameter.name: parameter for parameter in group.commands[verb].params}
    assert set(OPTIONS) <= set(parameters)


def test_what_the_options_say_is_data_of_the_event() -> None:
    written = {"promised": ["500.00:CNY:2026-03-12"], "why": "next pay day", "speaks": "en"}
    given = _read(dict.fromkeys(OPTIONS) | written)
    promise = {"outcome": "promised"}
    assert OutcomeData.model_validate(promise | given, strict=False).promised is not None
    assert set(given) == {"promised", "why", "said"}
    in_parts = {"promised": ["500.00:CNY:2026-03-12", "200.00:CNY:2026-03-20"]}
    promised = OutcomeData.model_validate(
        promise | _read(dict.fromkeys(OPTIONS) | in_parts), strict=False
    ).promised
    assert promised is not None
    assert [part.amount for part in promised.parts] == ["500.00", "200.00"]
    in_two = {"promised": ["500.00:CNY:2026-03-12", "200.00:USD:2026-03-20"]}
    with pytest.raises(ArrearsError, match="several currencies: CNY, USD"):
        _read(dict.fromkeys(OPTIONS) | in_two)
