"""What needs two persons: one asks, another one grants or refuses. The statuses and their moves."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from enum import StrEnum

VALID_FOR = timedelta(hours=24)
"""For how long a request can be granted, and what was granted can be carried out."""


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
