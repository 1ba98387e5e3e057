"""Regions of a country: their time zones, and the law that applies to borrowers there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.readers.yaml_files import read_yaml
from config.readers.yaml_reader import Value, each

REGIONS_DIRECTORY = Path(__file__).parents[1] / "regions"

_AREA_CODE = re.compile(r"[2-9]\d{2}")


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a country, such as a state."""

    zones: tuple[str, ...]
    """IANA zones. A region in two zones has both of them: a contact must be lawful in each."""
    jurisdiction: str | None = None
    """Set where the region's own law differs from the country's, such as `US-MA`."""
    area_code: str | None = None
    """An area code of the region, for fictitious telephone numbers."""


def load_regions(name: str, directory: Path = REGIONS_DIRECTORY) -> Mapping[str, Region]:
    """The regions of `<name>.yaml` by their code.

    Raises:
        PolicyError: the file cannot be read, or something in it is wrong.
    """
    top = read_yaml(directory / f"{name}.yaml").section("regions")
    regions = top.need("regions").pairs()
    return dict(zip(regions, each(regions.values(), _region), strict=True))


def _region(value: Value) -> Region:
    section = value.section("zones jurisdiction area_code")
    return Region(
        zones=section.need("zones").entries(Value.zone),
        jurisdiction=section.maybe("jurisdiction", Value.jurisdiction),
        area_code=section.maybe("area_code", _area_code),
    )


def _area_code(value: Value) -> str:
    return value.matching(_AREA_CODE, "Write three digits, such as 205.")[0]
