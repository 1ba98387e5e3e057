"""What is wrong with a field is said in the words of the API, and never in those of Python."""

import json
from collections.abc import Iterator
from enum import Enum
from inspect import getmembers, isclass
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from config.input_errors import what_to_write
from workers.http.desk import arrangements, calls, matters, next_work, quality, words
from workers.inbox.event_data.fields import StrictModel
from workers.inbox.kinds import EVENT_KINDS

OF_DESK = (arrangements, calls, matters, next_work, quality, words)
WRONG: tuple[Any, ...] = ("no such word", 7, [], {"no": "such"}, None)


def models() -> Iterator[type[BaseModel]]:
    """Of every event, and of every body at the desk."""
    yield from (kind.data for kind in EVENT_KINDS.values() if kind.data is not None)
    for module in OF_DESK:
        for _, found in getmembers(module, isclass):
            if issubclass(found, StrictModel) and found is not StrictModel:
                yield found


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_no_refusal_of_a_field_has_a_name_of_python(wrong: object) -> None:
    said: dict[str, str] = {}
    for model in models():
        try:
            model.model_validate_json(json.dumps(dict.fromkeys(model.model_fields, wrong)))
        except ValidationError as error:
            for each in error.errors():
                said[str(what_to_write(each))] = model.__name__
    assert any("write one of" in text for text in said) or wrong != "no such word"
    classes = {each.__name__ for each in _enums(Enum)}
    for text, name in said.items():
        assert "<" not in text, (name, text)
        assert not classes & set(text.replace(".", " ").split()), (name, text)
        assert "None" not in text, (name, text)


def _enums(kind: type[Enum]) -> Iterator[type[Enum]]:
    for each in kind.__subclasses__():
        yield each
        yield from _enums(each)
