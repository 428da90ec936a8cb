"""Forms of the new generation: side panels and the page of a person.

Fields are found by ``[data-field="{name}"]``; their ids are of one page load only (hazard 15). Selects are those of the
design system. All of it is inferred [I].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.domain.names import normal_name
from agent.errors import UnknownPage
from flows.legacy.person_form import Fields
from flows.page.controls import DesignSelect
from flows.page.reading import Reading
from flows.page.shell import Layer, Shell
from flows.page.tab import Tab

FORM = Reading(
    "mfe_form.form",
    r"""
    const form = one("mfe_form.form"), texts = {};
    for (const box of many("mfe_form.field_box", form)) {
      const trigger = maybe("select.trigger", box);
      if (trigger) texts[box.getAttribute("data-field")] = words(trigger);
    }
    return { fields: fields(form), texts };
    """,
    name="mfe_form",
    generation="mfe",
)


def panel(headline: str) -> tuple[Layer, ...]:
    """The side panel of this headline, as a window that the flow has opened."""
    return (Layer("panel.place", headline),)


def select_of(form: str, field: str, label: str) -> DesignSelect:
    """The select of a field in a form."""
    return DesignSelect("mfe_form.select_box", "mfe_form.select_value", label, {"form": form, "field": field})


class FormHeld:
    """What a form holds at one moment: its named fields, and the words that its selects show."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.fields = Fields(raw["fields"], names="{}")
        self._texts: Mapping[str, str] = raw["texts"]

    def chosen(self, field: str) -> tuple[str, str] | None:
        """Value and words of a select; None when nothing is chosen or there is no such select."""
        held = self.fields.hidden(field)
        return (held.value, self._texts.get(field, "")) if held is not None and held.value else None

    def is_closed(self, field: str) -> bool:
        """Whether the account cannot set this field: it is not there, or disabled."""
        held = self.fields.visible(field) or (self.fields.hidden(field) if field in self._texts else None)
        return held is None or held.disabled

    def refuse_others(self, wanted: Mapping[str, str], selects: Mapping[str, str | None]) -> None:
        """UnknownPage unless the fields hold these texts, and the selects these names (None: nothing)."""
        held: dict[str, str | None] = {name: self.fields.attribute(name) for name in wanted}
        expected: dict[str, str | None] = dict(wanted)
        for field, name in selects.items():
            chosen = self.chosen(field)
            held[field] = normal_name(chosen[1]) if chosen else None
            expected[field] = normal_name(name) if name else None
        if held != expected:
            raise UnknownPage(
                "control-mismatch",
                "The form does not hold what was put into it.",
                expected=str(expected),
                seen=str(held),
            )


async def read_form(tab: Tab, form: str, *, layers: tuple[Layer, ...] = ()) -> tuple[Shell, FormHeld]:
    """The form of this ``data-qa``, once it is there. UnknownPage when another window is there instead."""
    try:
        shell, raw = await tab.read_all(FORM, layers=layers, form=form)
    except UnknownPage:
        (await tab.shell(layers=layers)).refuse_unknown_layers()
        raise
    return shell, FormHeld(raw)
