"""Which permission each call from outside asks for: one line each. A path that is not here is not
served."""

from collections.abc import Mapping

from domain.permissions import Permission
from workers.http.desk.reported import FACTS
from workers.http.lender_events import LenderEvent
from workers.inbox.kinds import EVENT_KINDS

OPEN_TO_ALL = frozenset({"/health", "/openapi.json"})
"""They say nothing of any loan or person."""

OF_PROVIDERS = frozenset(
    {
        *("/webhooks/twilio/status", "/webhooks/twilio/inbound"),
        *("/webhooks/tencent/{token}/status", "/webhooks/tencent/{token}/inbound"),
    }
)
"""What came of texts, and what was answered. A provider proves itself with the secret that it was
given, and may report nothing else."""

BY_KIND = frozenset({"/events"})
"""What the kind of the event asks for: `EventKind.permission`."""

PERMISSION_OF: Mapping[str, Permission] = {"/calls/start": Permission.START_CALLS}

DESK = "/api/v1"
AT_THE_DESK: Mapping[str, Permission] = {
    f"{method} {DESK}{path}": permission
    for method, path, permission in (
        ("GET", "/worklist", Permission.READ_LOANS),
        ("GET", "/staff", Permission.READ_ROSTER),
        ("GET", "/work", Permission.TAKE_OVER_WORK),
        ("POST", "/work/next", Permission.SERVE_WORK),
        ("POST", "/work/{lease}/sheet", Permission.SERVE_WORK),
        ("POST", "/calls/{attempt}/right-party", Permission.CONFIRM_PARTIES),
        ("POST", "/visits/{attempt}/right-party", Permission.CONFIRM_PARTIES),
        ("POST", "/work/{lease}/heartbeat", Permission.SERVE_WORK),
        ("POST", "/work/{lease}/release", Permission.SERVE_WORK),
        ("POST", "/work/{lease}/take-over", Permission.TAKE_OVER_WORK),
        ("GET", "/disputes", Permission.READ_DISPUTES),
        ("GET", "/complaints", Permission.READ_DISPUTES),
        ("POST", "/disputes/{dispute}/take", Permission.HANDLE_DISPUTES),
        ("POST", "/complaints/{complaint}/take", Permission.HANDLE_DISPUTES),
        ("GET", "/disputes/{dispute}", Permission.READ_DISPUTES),
        ("GET", "/complaints/{complaint}", Permission.READ_DISPUTES),
        ("POST", "/disputes/{dispute}/acknowledge", Permission.HANDLE_DISPUTES),
        ("POST", "/complaints/{complaint}/acknowledge", Permission.HANDLE_DISPUTES),
        ("POST", "/disputes/{dispute}/extend", Permission.EXTEND_ANSWERS),
        ("POST", "/complaints/{complaint}/extend", Permission.EXTEND_ANSWERS),
        ("POST", "/disputes/{dispute}/letter", Permission.HANDLE_DISPUTES),
        ("POST", "/complaints/{complaint}/letter", Permission.HANDLE_DISPUTES),
        ("POST", "/replies/{reply}/open", Permission.READ_REPLIES),
        ("POST", "/letters/open", Permission.PRINT_LETTERS),
        ("GET", "/requests", Permission.SEE_REQUESTS),
        ("POST", "/requests/{number}/grant", Permission.SEE_REQUESTS),
        ("POST", "/requests/{number}/refuse", Permission.SEE_REQUESTS),
        ("GET", "/quality/sheets", Permission.REVIEW_CALLS),
        ("POST", "/quality/samples", Permission.REVIEW_CALLS),
        ("POST", "/quality/reviews", Permission.REVIEW_CALLS),
        ("GET", "/quality/results", Permission.READ_QUALITY),
        ("GET", "/quality/training", Permission.READ_QUALITY),
        ("POST", "/disputes/{dispute}/correction", Permission.HANDLE_DISPUTES),
        ("POST", "/complaints/{complaint}/correction", Permission.HANDLE_DISPUTES),
        ("GET", "/duties", Permission.READ_LOANS),
        ("POST", "/duties/{duty}/done", Permission.RECORD_CONVERSATIONS),
        ("POST", "/quotes", Permission.READ_LOANS),
        ("GET", "/arrangements", Permission.READ_LOANS),
        ("POST", "/arrangements/{arrangement}/offer", Permission.OFFER_ARRANGEMENTS),
        ("POST", "/arrangements/{arrangement}/decline", Permission.RECORD_ARRANGEMENTS),
        ("POST", "/approvals/grant", Permission.DECIDE_APPROVALS),
        ("POST", "/approvals/reject", Permission.DECIDE_APPROVALS),
        ("POST", "/calls", Permission.START_CALLS),
        ("POST", "/visits", Permission.START_VISITS),
        *(("POST", fact.path, EVENT_KINDS[fact.kind].permission) for fact in FACTS),
    )
}
"""What each path of people asks for. The use case asks; here it is named, for who is not known."""


def permission_for(path: str, said: object) -> Permission:
    """What a machine needs that says this to a path."""
    if path in BY_KIND and isinstance(said, LenderEvent):
        return EVENT_KINDS[said.type].permission
    return PERMISSION_OF[path]


def assert_named(path: str) -> None:
    """Check that it is known who may call a path of machines.

    Raises:
        KeyError: it is not.
    """
    if path not in BY_KIND:
        PERMISSION_OF[path]
