"""A complete environment, as an installation would have it, with nothing real in it."""

import os

KEY = "x0p8Xy1mOQqHcKQGJzTtC1nqKJcJ8u1sU8s0t0m1n2k="
"""Opens nothing: it exists in the tests only."""


def an_environment(
    database_url: str = "postgresql://nobody:secret@127.0.0.1:1/nowhere",
    redis_url: str = "redis://127.0.0.1:1/0",
) -> dict[str, str]:
    """All the settings that have no default, and PATH: enough to start any command with.

    The servers of the defaults do not exist; pass those of the fixtures to reach real ones.
    """
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "ARREARS_ENCRYPTION_KEYS": KEY,
        "ARREARS_LENDER": "Example Lender",
        "ARREARS_LENDER_PHONE": "400-000-0000",
        "ARREARS_ZONE": "Asia/Shanghai",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKENS": "secret",
        "TWILIO_FROM": "+15005550006",
    }
