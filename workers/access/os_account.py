"""The account of the operating system that runs a command which needs no token."""

import os
import pwd


def os_account() -> str:
    """Its name, or `uid 1000` where this machine has no name for it, as in a container.

    The system says it. The variables of the environment, which anybody may set, are not asked.
    """
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
