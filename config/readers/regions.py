"""Regions of a country: whose law binds a borrower there, and which clocks may be theirs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config.readers.yaml_reader import Value, each, read_yaml

REGIONS_DIRECTORY = Path(__file__).parents[1] / "regions"

_AREA_CODE = re.compile(r"[2-9]\d{2}")


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a country, such as a state."""

    zones: tuple[str, ...]
    """IANA zones. A region that is split has all of them: a contact must be lawful in each."""
    jurisdiction: str | None = None
    """Set where the region's own law differs from the country's, such as `US-MA`."""
    area_code: str | None = None
    """An area code of the region, for made-up telephone numbers."""


def load_regions(name: str, directory: Path = REGIONS_DIRECTORY) -> Mapping[str, Region]:
    """The regions of `<name>.yaml` by their code.

    Raises:
        PolicyError: the file cannot be read, or says something that it must not.
    """
    top = read_yaml(directory / f"{name}.yaml").section({"regions"})
    regions = top.need("regions").pairs()
    return dict(zip(regions, each(regions.values(), _region), strict=True))


def zone_of(value: Value) -> str:
    """The value as the name of a zone.

    Raises:
        PolicyError: there is no such zone.
    """
    name = value.text()
    if not is_zone(name):
        raise value.refuse(f"There is no time zone {name}.", "Write one such as Asia/Shanghai.")
    return name


def is_zone(name: str) -> bool:
    """Whether the IANA database has a zone of this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _region(value: Value) -> Region:
    section = value.section({"zones", "jurisdiction", "area_code"})
    jurisdiction = section.maybe("jurisdiction")
    area_code = section.maybe("area_code")
    return Region(
        zones=each(section.need("zones").values(), zone_of),
        jurisdiction=jurisdiction.jurisdiction() if jurisdiction else None,
        area_code=_area_code(area_code) if area_code else None,
    )


def _area_code(value: Value) -> str:
    text = value.text()
    if not _AREA_CODE.fullmatch(text):
        raise value.refuse(f"`area_code` is {text}.", "Write three digits, such as 205.")
    return text
