"""Every kind of event from outside: one file a subject, as in `event_data`.

A new kind is one more entry in the file of its subject, and its handler. The HTTP endpoint, its
OpenAPI schema, the contact gate and the sweep read all they need to know about a kind from its
entry.
"""

from workers.inbox.event_kind import EventKind
from workers.inbox.kinds import (
    arrangements,
    contact_points,
    conversations,
    legal,
    matters,
    money,
    persons,
    promises,
    staff,
    texts,
)

EVENT_KINDS: dict[str, EventKind] = {
    kind.name: kind
    for kind in (
        *money.KINDS,
        *promises.KINDS,
        *arrangements.KINDS,
        *matters.KINDS,
        *contact_points.KINDS,
        *persons.KINDS,
        *legal.KINDS,
        *conversations.KINDS,
        *staff.KINDS,
        *texts.KINDS,
    )
}
"""By name. The documentation lists the same kinds: docs/events.md."""
