"""The events that the lender posts, as one type: the union of every kind that has a model."""

from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, GetPydanticSchema, create_model

from workers.inbox.event_data.fields import EventData, StrictModel
from workers.inbox.event_kind import EventKind
from workers.inbox.kinds import EVENT_KINDS


class LenderEvent(StrictModel):
    """What all events have in common. Each kind has a model of its own, derived from this one."""

    type: str
    timestamp: AwareDatetime
    """When it happened in the lender's systems."""
    data: EventData


@cache
def _model_of(kind: EventKind) -> type[LenderEvent]:
    name = "".join(word.capitalize() for word in kind.name.split("_"))
    fields: Any = {"type": (Literal[kind.name], ...), "data": (kind.data, ...)}
    return create_model(f"{name}Event", __base__=LenderEvent, __module__=__name__, **fields)


def _union_of_kinds() -> Any:
    models = [_model_of(kind) for kind in EVENT_KINDS.values() if kind.data]
    return Annotated[reduce(or_, models), Field(discriminator="type")]


AnyLenderEvent = Annotated[
    LenderEvent,
    GetPydanticSchema(lambda _, handler: handler.generate_schema(_union_of_kinds())),
]
"""An event of any kind that `EVENT_KINDS` holds when the application is made."""
