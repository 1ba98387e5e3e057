"""What is said of a YAML file with a mistake in it: the one way in which readers are tried."""

from collections.abc import Callable
from pathlib import Path

import pytest

from config.readers.yaml_reader import PolicyError


def refusal(
    read: Callable[[Path, str], object], path: Path, good: str, old: str = "", new: str = ""
) -> str:
    """What `read` says of the good text in which `new` stands for the first `old`."""
    assert old in good
    with pytest.raises(PolicyError) as refused:
        read(path, good.replace(old, new, 1))
    return str(refused.value)
