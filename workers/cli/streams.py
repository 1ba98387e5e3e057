"""What a command writes, wherever in the program: nothing in it steers the terminal."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from domain.visible import visible


class VisibleStream:
    """A stream that writes the escape of each character that a terminal would obey.

    Rich writes codes of its own, for colours, and what it shows was made visible before
    (`workers/cli/render.py`). It finds the stream itself under `rich_proxied_file`.
    """

    def __init__(self, stream: IO[str]) -> None:
        self.rich_proxied_file = stream

    def write(self, text: str) -> int:
        self.rich_proxied_file.write(visible(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)


@contextmanager
def visible_streams() -> Iterator[None]:
    """Let everything be written visibly meanwhile; errors of the libraries, too."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = VisibleStream(sys.stdout), VisibleStream(sys.stderr)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def write_as_it_is() -> None:
    """For a server, whose log colours its lines: `workers/log_lines.py` makes these visible."""
    sys.stdout, sys.stderr = raw_stream(sys.stdout), raw_stream(sys.stderr)


def raw_stream(stream: Any) -> Any:
    """The stream itself, whatever writes through it."""
    while (inner := getattr(stream, "rich_proxied_file", None)) is not None:
        stream = inner
    return stream
