"""Requests and answers of a recording, and the bodies that came with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.errors import Failed
from agent.recording.archive import TraceArchive
from agent.recording.lines import Line, mapping, number, text

_FAILED = 400


@dataclass(frozen=True)
class Exchange:
    """One request and what came of it. ``at`` is in milliseconds on the recording's own clock."""

    at: float
    method: str
    url: str
    status: int  # -1: no answer
    status_text: str
    kind: str  # "document", "stylesheet", "xhr", …
    took: float  # milliseconds
    content_type: str
    body: str  # the name of the body in the recording, empty when none was kept
    failure: str = ""
    page_id: str = ""

    @property
    def is_trouble(self) -> bool:
        """Whether it failed or was answered with an error."""
        return bool(self.failure) or self.status >= _FAILED or self.status < 0


def read_exchanges(lines: Sequence[Line]) -> tuple[Exchange, ...]:
    """All requests, in the order they were sent."""
    found = [_exchange(mapping(line.get("snapshot"))) for line in lines if line.get("type") == "resource-snapshot"]
    return tuple(sorted(found, key=lambda exchange: exchange.at))


def _exchange(entry: Mapping[str, Any]) -> Exchange:
    request, response = mapping(entry.get("request")), mapping(entry.get("response"))
    content = mapping(response.get("content"))
    status = response.get("status")
    took = entry.get("time")
    return Exchange(
        at=number(dict(entry), "_monotonicTime") if "_monotonicTime" in entry else 0.0,
        method=str(request.get("method", "")),
        url=text(request, "url"),
        status=status if type(status) is int else -1,
        status_text=str(response.get("statusText", "")),
        kind=str(entry.get("_resourceType", "")),
        took=float(took) if isinstance(took, int | float) else 0.0,
        content_type=str(content.get("mimeType", "")),
        body=str(content.get("_file", "")),
        failure=str(response.get("_failureText") or ""),
        page_id=str(entry.get("pageref", "")),
    )


class Bodies:
    """Bodies by address, as they were last answered before a moment."""

    def __init__(self, archive: TraceArchive, exchanges: Sequence[Exchange]) -> None:
        self._archive = archive
        self._by_url: dict[str, list[Exchange]] = {}
        self._read: dict[str, bytes | None] = {}
        #: bodies that were kept and can no longer be read, and why
        self.lost: dict[str, str] = {}
        for exchange in exchanges:
            if exchange.method == "GET" and exchange.body:
                self._by_url.setdefault(without_fragment(exchange.url), []).append(exchange)

    def at(self, url: str, moment: float) -> tuple[str, bytes] | None:
        """Content type and body: the last answer before the moment, else the first after it; None: none was kept."""
        answers = self._by_url.get(without_fragment(url), [])
        if not answers:
            return None
        before = [answer for answer in answers if answer.at <= moment]
        chosen = before[-1] if before else answers[0]
        data = self.named(chosen.body)
        return None if data is None else (chosen.content_type, data)

    def named(self, name: str) -> bytes | None:
        """A body by its name in the recording; one that is damaged counts as not kept."""
        if name not in self._read:
            try:
                self._read[name] = self._archive.body(name)
            except Failed as error:  # damaged here, or in the store of shared bodies
                self.lost[name] = error.seen
                self._read[name] = None
        return self._read[name]


def without_fragment(url: str) -> str:
    """An address as it is asked for."""
    return url.split("#", 1)[0]
