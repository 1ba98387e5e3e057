"""What needs two persons: one asks, another one grants or refuses. The statuses and their moves."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from enum import StrEnum

from domain.actors import Actor, ActorKind
from domain.permissions import Permission, may

VALID_FOR = timedelta(hours=24)
"""For how long a request can be granted, and what was granted can be carried out."""


BREAK_GLASS = "break-glass:"
"""What the name begins with under which who operates the server grants a request."""


class RequestStatus(StrEnum):
    """The life of one request."""

    ASKED = "asked"
    GRANTED = "granted"  # whoever asked may do it, once
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # whoever asked took it back
    DONE = "done"  # it was carried out


MOVES: Mapping[RequestStatus, Collection[RequestStatus]] = {
    RequestStatus.ASKED: (RequestStatus.GRANTED, RequestStatus.REFUSED, RequestStatus.WITHDRAWN),
    RequestStatus.GRANTED: (RequestStatus.DONE, RequestStatus.REFUSED, RequestStatus.WITHDRAWN),
    RequestStatus.REFUSED: (),
    RequestStatus.WITHDRAWN: (),
    RequestStatus.DONE: (),
}

_P = Permission
SEEN_BY: Mapping[Permission, Permission] = {
    _P.DECIDE_APPROVALS: _P.READ_LOANS,
    _P.WRITE_OFF: _P.READ_LOANS,
    _P.AGREE_BEYOND: _P.READ_LOANS,
    _P.AGREE_TO_PROMISES: _P.READ_LOANS,
    _P.AGREE_TO_HOLDS: _P.READ_LOANS,
    _P.EXTEND_ANSWERS: _P.READ_DISPUTES,
    _P.RESUME_SENDING: _P.READ_OPERATIONS,
    _P.EXPORT_DATA: _P.EXPORT_DATA,
    _P.ERASE_DATA: _P.ERASE_DATA,
    _P.CHANGE_ROSTER: _P.READ_ROSTER,
    _P.CHANGE_ACCESS: _P.READ_ACCESS,
    _P.ROTATE_KEYS: _P.READ_ACCESS,
}
"""By what is asked for, the permission to read what it is about. Whoever has it sees the request;
so do whoever asked and who may grant it."""


def may_see(actor: Actor, permission: Permission, asked_by: str) -> bool:
    """Whether somebody may know of a request."""
    is_own = actor.kind is ActorKind.STAFF and actor.reference == asked_by
    seen_by = SEEN_BY.get(permission, permission)
    return is_own or may(actor, permission) or may(actor, seen_by)
