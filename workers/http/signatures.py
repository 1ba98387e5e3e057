"""Signatures of the lender's systems, by the Standard Webhooks specification (symmetric, v1)."""

import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook

from workers.http.requests import RefusedError

TOLERANCE = timedelta(minutes=5)
"""How far the moment of signing may be from now, on either side, as the specification has it."""

MOST_SIGNATURES = 20
"""How many of the signatures in the header are compared; there is one for each secret that its
sender has while secrets rotate."""

# No full stop: it is what divides id, moment and body in what is signed.
_ID = re.compile(r"[A-Za-z0-9_:-]{1,128}")
_SECONDS = re.compile(r"[0-9]{1,11}")


def check_signature(
    body: bytes,
    headers: Mapping[str, str],
    of_senders: Mapping[str, Iterable[str]],
    now: datetime,
) -> str:
    """Let only a body pass that a secret of one of the senders signed within five minutes of `now`
    (aware); returns the sender's name.

    `headers` are those of the call; a missing one counts as empty.

    The library's own check reads the machine's clock and not the application's, so the library
    signs the body here, and the signatures are compared.

    Raises:
        RefusedError: 401; or 400 where the body is not text in UTF-8, which nobody can have signed.
    """
    id, timestamp, signatures = (
        headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
    )
    if not _ID.fullmatch(id) or not _SECONDS.fullmatch(timestamp):
        raise RefusedError(
            401, "the headers webhook-id and webhook-timestamp (in seconds) are needed"
        )
    signed_at = datetime.fromtimestamp(int(timestamp), UTC)
    if abs(now - signed_at) > TOLERANCE:
        raise RefusedError(
            401,
            "signed more than five minutes ago, or in the future: by webhook-timestamp; here it is "
            f"{now.timestamp():.0f}",
        )
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise RefusedError(400, "not text in UTF-8") from None
    # Bytes: text beyond ASCII cannot be compared in constant time.
    given = [signature.encode() for signature in signatures.split(" ", MOST_SIGNATURES)]
    given = given[:MOST_SIGNATURES]
    # All are compared, so that the time it takes does not reveal which one was close.
    expected = [
        (sender, Webhook(secret).sign(id, signed_at, text).encode())
        for sender, secrets in of_senders.items()
        for secret in secrets
    ]
    matches = [
        sender for sender, ours in expected for theirs in given if hmac.compare_digest(ours, theirs)
    ]
    if not matches:
        raise RefusedError(401, "not signed with a secret that is known here")
    return matches[0]
