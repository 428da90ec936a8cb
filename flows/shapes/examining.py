"""Look at the region that a flow is about to write from, and stop the flow when the write could mean something else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from agent.errors import Failed, Mender, ShapeChanged
from flows.interface import Examined
from flows.known_shapes import KnownShape
from flows.names import Flow
from flows.page.shell import Layer
from flows.page.tab import Tab
from flows.shapes.comparing import Finding, Severity, compared, side_by_side
from flows.shapes.seen import SHAPE, SeenShape


async def examine(
    tab: Tab,
    flow: Flow,
    region: str,
    *,
    touches: Collection[str] = (),
    layers: tuple[Layer, ...] = (),
    ids: Mapping[str, str] | None = None,
    names: Collection[str] = (),
) -> Examined:
    """Compare a region that is open, and not touched yet, with the shape that the catalogue knows.

    ``touches``: the entry's names of the controls that this write sets or clicks. ``ids`` fill the placeholders of the
    region's place and of its form's address. ``names`` are of people, projects and companies, which the words of the
    page may hold. The session's observer is told. Raises ShapeChanged when the write could mean something else, and
    Failed("shape-not-known") where the catalogue has no such entry.
    """
    known = tab.catalogue.shapes.get(region)
    if known is None:
        raise Failed(
            "shape-not-known",
            f"The selector catalogue does not say how {region} looks, so nothing is written from it.",
            expected=f"an entry shapes.{region}",
            seen="none",
            mender=Mender.OPERATOR,
        )
    values = {**(ids or {}), "company_id": tab.tenant.company_id}
    seen, lost = await _seen(tab, known, values, layers, names)
    findings = (lost,) if lost else compared(known, seen, touches, values)
    dangerous = [str(item) for item in findings if item.severity is Severity.DANGEROUS]
    examined = Examined(
        flow=flow.value,
        region=region,
        severity="dangerous" if dangerous else "degraded" if findings else "same",
        findings=tuple(str(item) for item in findings),
        seen=seen.as_dict(),
        known=known.model_dump(mode="json"),
        rows=side_by_side(known, seen, findings),
    )
    await tab.tell_examined(examined)
    if dangerous:
        raise ShapeChanged(
            flow.value,
            region,
            examined.findings,
            expected=next(item.expected for item in findings if item.severity is Severity.DANGEROUS),
            shape=examined.seen,
            known=examined.known,
        )
    return examined


async def _seen(
    tab: Tab, known: KnownShape, values: Mapping[str, str], layers: tuple[Layer, ...], names: Collection[str]
) -> tuple[SeenShape, Finding | None]:
    """The region as it is; with a finding when it is not there just once."""
    wanted = {key: value for key, value in values.items() if f"{{{key}}}" in tab.catalogue.hooks[known.hook].selector}
    is_window = known.kind == "window"
    raw: list[Any] = await tab.read(
        SHAPE,
        layers=layers,
        root=tab.css(known.hook, **wanted),
        names=sorted({name.strip() for name in names if name.strip()}),
        listed=tab.css("confirm.user") if is_window else "",
        text=is_window,
    )
    shapes = [SeenShape.of(item) for item in raw]
    if is_window and len(shapes) > 1:
        headings = {*known.headings, *known.headings_gb}
        shapes = [shape for shape in shapes if headings & set(shape.headings)]
    if len(shapes) == 1:
        return shapes[0], None
    nothing = SeenShape((), (), (), 0, "", "")
    found = Finding(Severity.DANGEROUS, "not-there-once", known.hook, "one region", f"{len(shapes)} of them")
    return nothing, found
