"""Files outside the database that several users write: services, and whoever types a command.

The folder says whether they share them: it has the set-group-id bit and lets its group write, as
/var/lib/arrears has in the image. Then each of its files lets the group write too, whatever the
umask of who makes it. In any other folder a file is its owner's.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path

_SHARED = stat.S_ISGID | stat.S_IWGRP
_OF_GROUP = stat.S_IRGRP | stat.S_IWGRP


def opener(mode: int) -> Callable[[str, int], int]:
    """What `open` takes as its opener; `mode` is that of a new file in a folder of one's own."""

    def open_file(path: str, flags: int) -> int:
        descriptor = os.open(path, flags, mode)
        folder, file = Path(path).parent.stat(), os.fstat(descriptor)
        shared = folder.st_mode & _SHARED == _SHARED
        if shared and file.st_uid == os.geteuid() and file.st_mode & _OF_GROUP != _OF_GROUP:
            os.fchmod(descriptor, stat.S_IMODE(file.st_mode) | _OF_GROUP)
        return descriptor

    return open_file
