"""Asks one question in this process: `python -m tests.benchmarks.asking QUESTION ANSWER.json`."""

import json
import os
import signal
import sys
from importlib import import_module
from pathlib import Path

from tests.benchmarks.figures import Figure
from tests.benchmarks.places import places_here
from tests.benchmarks.sizes import size_named


def main(question: str, answer: Path) -> None:
    """Measure, and write the figures down."""
    module = import_module(f"tests.benchmarks.{question}")
    figures: list[Figure] = module.measure(places_here(), size_named(os.environ["SIZE"]))
    answer.write_text(json.dumps([figure.as_json() for figure in figures]))


if __name__ == "__main__":
    # Broken off like this, every process and directory that it made goes the way it came.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except KeyboardInterrupt:
        sys.exit(130)
