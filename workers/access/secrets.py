"""The secret that a person or a machine proves itself with, and the file that holds it.

The secret is made where it is used, and nobody else ever sees it: an administrator is given its
fingerprint only. So nobody can act under another's name, an administrator included.
"""

import os
import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe

from domain.errors import ArrearsError, NotPermittedError, NotSignedInError

NAMES_FILE = "ARREARS_TOKEN_FILE"
_PREFIX, _FINGERPRINT = "arrears_", "SHA256:"
_ONLY_ITS_OWNER = 0o600


def token_file(environment: Mapping[str, str]) -> Path:
    """Where the token is: what `ARREARS_TOKEN_FILE` names, or else a file of the user's own."""
    if named := environment.get(NAMES_FILE):
        return Path(named)
    home = Path(environment.get("HOME", "/nonexistent"))
    return Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "arrears" / "token"


def digest_of(secret: str) -> bytes:
    """What the database has of a secret. Its 256 random bits need no slow hash."""
    return sha256(secret.encode()).digest()


def fingerprint_of(digest: bytes) -> str:
    """A digest as people pass it on."""
    return _FINGERPRINT + urlsafe_b64encode(digest).decode().rstrip("=")


def digest_in(fingerprint: str) -> bytes:
    """The digest that a fingerprint stands for.

    Raises:
        ArrearsError: it is none.
    """
    written = fingerprint.removeprefix(_FINGERPRINT)
    try:
        digest = urlsafe_b64decode(written + "=" * (-len(written) % 4))
    except (Error, ValueError):
        digest = b""
    if len(digest) != sha256().digest_size or not fingerprint.startswith(_FINGERPRINT):
        raise ArrearsError(
            "{fingerprint!r} is no fingerprint. `arrears token new` prints one, SHA256: and 43 "
            "characters.",
            fingerprint=fingerprint,
        )
    return digest


def write_new_secret(path: Path) -> bytes:
    """Write a new secret to a file that does not exist yet; returns its digest.

    Raises:
        ArrearsError: the file exists, or cannot be written.
    """
    secret = _PREFIX + token_urlsafe(32)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_ITS_OWNER)
    except FileExistsError:
        raise ArrearsError(
            "{path} exists. Delete it first if its token is to be used no longer, or name another "
            "file in ARREARS_TOKEN_FILE.",
            path=path,
        ) from None
    except OSError as error:
        raise ArrearsError(
            "{path} cannot be written ({strerror}).", path=path, strerror=error.strerror
        ) from None
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")
    return digest_of(secret)


def read_secret(path: Path) -> str:
    """The secret in a file that is its owner's alone.

    Raises:
        NotSignedInError: there is none.
        NotPermittedError: it is somebody else's, or others may read it.
    """
    try:
        # No link is followed, and a pipe does not make the command wait.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise NotSignedInError(
            "Nobody is signed in: the token file {path} cannot be read ({strerror}). "
            "`arrears token new` makes one, and an administrator enrols it.",
            path=path,
            strerror=error.strerror,
        ) from None
    with os.fdopen(descriptor, errors="replace") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise NotPermittedError("The token file {path} is not a file of yours.", path=path)
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise NotPermittedError(
                "Others may read the token file {path}, so it is not used. `chmod 600 {path}` "
                "makes it yours alone; if somebody may have read it, have the token revoked.",
                path=path,
            )
        return file.read(1000).strip()
