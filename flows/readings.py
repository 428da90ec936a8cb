"""Every reading that is told of, by its name: what the replay can make again.

Found by looking through the packages of the flows, so that no reading can be forgotten.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import MappingProxyType, ModuleType

import flows.legacy
import flows.mfe
import flows.page
import flows.shapes
from flows.page.reading import Reading

PACKAGES = (flows.page, flows.legacy, flows.mfe, flows.shapes)


def all_readings() -> Iterator[tuple[str, Reading]]:
    """Every reading of the flows with its module and name in it, named or not; once for each module it stands in."""
    for module in _modules():
        place = module.__name__.rpartition(".")[2]
        yield from ((f"{place}.{name}", value) for name, value in vars(module).items() if isinstance(value, Reading))


def _modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


def _by_name() -> Mapping[str, Reading]:
    named: dict[str, Reading] = {}
    for place, reading in all_readings():
        if reading.name and named.setdefault(reading.name, reading) is not reading:
            raise ValueError(f"{place}: another reading is called {reading.name!r}, too")
    return MappingProxyType(named)


READINGS: Mapping[str, Reading] = _by_name()
