"""The pages about the API: each body that they show is one that its call takes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from workers.http.desk import (
    approvals,
    arrangements,
    calls,
    duties,
    facts,
    matters,
    next_work,
    quality,
    second_person,
    words,
    work,
)
from workers.http.desk.reported import FACTS
from workers.http.permission_of import DESK

DOCS = Path(__file__).resolve().parents[3] / "docs"
CALL = re.compile(r"""(?:^|; )api "?(/[^ "\n]+)"? '({[^']*})'""", re.MULTILINE)
PARTS = (work, next_work, calls, facts, approvals, arrangements, matters, duties, quality)


def posts() -> Iterator[APIRoute]:
    for part in (*PARTS, second_person, words):
        for route in part.router.routes:
            if isinstance(route, APIRoute) and route.methods == {"POST"}:
                yield route


@pytest.mark.parametrize("page", ["api.md", "zh/api.md"])
def test_every_body_on_the_page_is_taken_by_its_call(page: str) -> None:
    shown = set()
    routes = list(posts())
    for path, body in CALL.findall((DOCS / page).read_text(encoding="utf-8")):
        route = next(each for each in routes if each.path_regex.match(DESK + path))
        shown.add(route.path.removeprefix(DESK))
        # What stands for more of the same is no part of it.
        said = json.loads(re.sub(r", …", "", body))
        adapter = TypeAdapter(get_type_hints(route.endpoint, include_extras=True)["body"])
        adapter.validate_json(json.dumps(said))
    assert {fact.path for fact in FACTS} - shown == set()
