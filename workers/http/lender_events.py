"""The events that the lender posts, as one type: the union of every kind that has a model."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, TypeAdapter, create_model

from workers.inbox.event_data import EventData, Identifier, Staff, StrictModel
from workers.inbox.kinds import KINDS, EventKind


class LenderEvent(StrictModel):
    """What all events have. Each kind has a model of its own below it."""

    type: str
    timestamp: AwareDatetime
    """When it happened in the lender's systems."""
    data: EventData


def lender_event_type() -> Any:
    """The union of the models of all kinds, told apart by `type`."""
    models = [_model_of(kind) for kind in KINDS.values() if kind.data]
    return Annotated[reduce(or_, models), Field(discriminator="type")]


def _model_of(kind: EventKind) -> type[LenderEvent]:
    name = "".join(word.capitalize() for word in kind.name.split("_"))
    fields: Any = {"type": (Literal[kind.name], ...), "data": (kind.data, ...)}
    return create_model(f"{name}Event", __base__=LenderEvent, __module__=__name__, **fields)


class CallStart(StrictModel):
    """What a dialer asks before it dials."""

    attempt: Identifier
    """The dialer's own id of this attempt: the same id is the same attempt."""
    loan: Identifier
    item: Identifier | None = None
    """The ladder item of the call; the newest that is open if left out."""
    actor: Staff


LENDER_EVENT: TypeAdapter[LenderEvent] = TypeAdapter(lender_event_type())
CALL_START_ASKED: TypeAdapter[CallStart] = TypeAdapter(CallStart)
