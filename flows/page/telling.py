"""Tells the observer of a session what a tab reads and uses."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from flows.catalogue import Catalogue
from flows.interface import (
    ControlUse,
    Examined,
    HeldRequest,
    HoldObserver,
    PageObserver,
    PageReading,
    Place,
    ShapeObserver,
)
from flows.page.places import Placed, written
from flows.page.reading import Reading
from flows.page.shell import Layer


class Telling:
    """Keeps the selectors that were made until the next telling. Without an observer it does nothing."""

    def __init__(self, observer: PageObserver | None, catalogue: Catalogue) -> None:
        self._observer = observer
        self._catalogue = catalogue
        self._untold: dict[str, Placed] = {}

    def made(self, placed: Placed) -> Placed:
        """Note a selector, and hand it back."""
        if self._observer is not None:
            self._untold[placed] = placed
        return placed

    async def reading(
        self,
        reading: Reading,
        given: Mapping[str, Any],
        layers: tuple[Layer, ...],
        raw: Mapping[str, Any],
        began: float,
    ) -> None:
        """Tell what a page answered; nothing of a reading without a name."""
        if self._observer is None or not reading.name:
            return
        took = time.time() - began
        await self._observer.page_read(
            PageReading(
                reading=reading.name,
                script=reading.source,
                script_sha256=reading.sha256,
                catalogue=self._catalogue,
                url=raw["shell"]["url"],
                given=written(given),
                layers=tuple((layer.key, layer.headline) for layer in layers),
                ready=raw["ready"],
                problems=raw["problems"],
                found=raw["found"],
                shell=raw["shell"],
                data=raw["data"],
                began=began,
                took=took,
                places=self._places(),
            )
        )

    async def use(self, what: str, url: str, began: float, *, failed: bool) -> None:
        """Tell that a control was used."""
        if self._observer is not None:
            took = time.time() - began
            await self._observer.control_used(ControlUse(what, url, began, took, failed, self._places()))

    async def examined(self, examined: Examined) -> None:
        """Tell how a region compares with its known shape, to those who want to know."""
        if isinstance(self._observer, ShapeObserver):
            await self._observer.shape_examined(examined)

    def held(self, held: HeldRequest) -> None:
        """Tell that a request was held back, to those who want to know."""
        if isinstance(self._observer, HoldObserver):
            self._observer.request_held(held)

    def _places(self) -> tuple[Place, ...]:
        made, self._untold = self._untold, {}
        return tuple(Place(str(placed), placed.uses) for placed in made.values())
