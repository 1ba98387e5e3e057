"""Temporary files in memory, where the machine has room for them."""

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - only a place, below which each makes its own directory
ROOM = 6 * 2**30
"""Bytes: what the servers of three tests at a time, and the files of the largest, need."""


def keep_temporary_files_in_memory(memory: Path = MEMORY) -> bool:
    """Let this process and all that it starts make their temporary files in `memory`.

    A database that is emptied before each test makes and removes so many files that a disk takes a
    fifth of its time. Nothing changes where TMPDIR names a place already, or where `memory` has
    too little room, or runs no programs (a container usually has both faults).
    """
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK | os.X_OK):
        return False
    if shutil.disk_usage(memory).free < ROOM or os.statvfs(memory).f_flag & os.ST_NOEXEC:
        return False
    os.environ["TMPDIR"] = str(memory)
    tempfile.tempdir = None  # it is looked up anew
    return True
