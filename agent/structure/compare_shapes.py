"""Compares the shapes of the catalogue with a recording: are a region's controls there, and do they say what is known?

Whether something is required, chosen beforehand or where a form goes is not asked here: a recording holds no values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flows import KnownControl, KnownShape

REGION = r"""
(regions) => regions.slice(0, 1).map((region) => {
  const plain = (text) => text.replace(/\s+/g, " ").trim().replace(/\s*[*:]\s*$/, "");
  const said = (element) => (element ? plain(element.textContent) : "");
  const named = (element) => (element.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean)
    .map((id) => said(document.querySelector(`[id="${CSS.escape(id)}"]`)));
  const labels = (element) => element.id
    ? [...document.querySelectorAll(`label[for="${CSS.escape(element.id)}"]`)].map(said) : [];
  const own = (element) => element.matches("button, a, [role=button], [role=menuitem], [role=option]")
    ? [said(element)]
    : element.matches("input[type=submit], input[type=button]") ? [element.getAttribute("value")] : [];
  return [...region.querySelectorAll("*")].map((element) => ({
    name: element.getAttribute("name") || element.getAttribute("data-tool") || "",
    value: element.getAttribute("value") || "", data: element.getAttribute("data-value") || "",
    sends: element.matches("button[type=submit], form button:not([type]), input[type=submit]"),
    hooks: [...element.attributes].map((at) => `${at.name}=${at.value}`),
    words: [...named(element), ...labels(element), element.getAttribute("aria-label"), ...own(element)].filter(Boolean),
  }));
})
"""


@dataclass(frozen=True)
class Difference:
    """A control that is not there, or says something else."""

    control: str
    seen: str

    def __str__(self) -> str:
        return f"{self.control}: {self.seen}"


def differences(shape: KnownShape, elements: Sequence[dict[str, Any]]) -> Iterator[Difference]:
    """What speaks against a shape on this region."""
    for key, control in shape.controls.items():
        fitting = [element for element in elements if _is(control, element)]
        if not fitting:
            if not control.optional:
                yield Difference(key, "not there")
            continue
        words = [said for element in fitting for said in element["words"]]
        readable = [said for said in words if "<" not in said]
        if control.words and readable and len(readable) == len(words) and not any(map(control.says, readable)):
            yield Difference(key, f"says {readable[0]!r}")


def _is(control: KnownControl, element: dict[str, Any]) -> bool:
    if control.name:
        name = element["name"] or element["data"].strip('"')
        return control.is_named(name) and control.value in {"", element["value"]}
    if control.hook:
        return control.hook in element["hooks"]
    if control.sends:
        return bool(element["sends"])
    return any(map(control.says, element["words"]))
