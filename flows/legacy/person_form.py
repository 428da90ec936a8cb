"""The fields of a person in a form: reading them, and filling them in.

Add User and the Edit page name their fields alike, ``user[field]``, in the new generation ``field`` [I]. Whether a form
may be written from at all is for the comparison with its known shape to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.domain.access import Vendor
from agent.domain.attributes import BY_NAME
from agent.errors import Failed, Mender, UnknownPage
from flows.page.controls import (
    DesignSelect,
    NativeSelect,
    choose_by_value,
    choose_native,
    choose_nothing,
    set_checkbox,
    set_text,
)
from flows.page.tab import Tab


@dataclass(frozen=True)
class Field:
    """One named field of a form, as the page holds it."""

    name: str
    type: str
    value: str
    checked: bool
    disabled: bool
    required: bool

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Field:
        """From the script's answer."""
        return cls(
            name=raw["name"],
            type=raw["type"],
            value=raw["value"],
            checked=raw["checked"],
            disabled=raw["disabled"],
            required=raw["required"],
        )


class Fields:
    """All named fields of one form."""

    def __init__(self, raw: list[Mapping[str, Any]], names: str = "user[{}]") -> None:
        """``names`` is how the form names the field of an attribute, with ``{}`` for the attribute."""
        self.all = tuple(Field.of(item) for item in raw)
        self._names = names

    def named(self, attribute: str) -> str:
        """What the form calls the field of an attribute."""
        return self._names.format(attribute)

    def visible(self, name: str) -> Field | None:
        """The field that a person sees; not the hidden ``0`` twin before a checkbox (hazard 18)."""
        return next((field for field in self.all if field.name == name and field.type != "hidden"), None)

    def hidden(self, name: str) -> Field | None:
        """The hidden input of this name."""
        return next((field for field in self.all if field.name == name and field.type == "hidden"), None)

    def attribute(self, name: str) -> str | None:
        """An attribute as text ("yes"/"no" for a checkbox); None when the form does not show it."""
        field = self.visible(self.named(name))
        if field is None:
            return None
        if field.type == "checkbox":
            return "yes" if field.checked else "no"
        return field.value.strip()


async def fill_attributes(
    tab: Tab, field_key: str, fields: Fields, attributes: Mapping[str, str], **place: str
) -> None:
    """Put each attribute into its field, and read each back. ``field_key`` is the hook of a field by its name, with
    further placeholders in ``place``.

    Country goes before State, whose options depend on it. Failed("field-not-shown") and Failed("field-read-only") when
    the form does not let this account set one.
    """
    for name in sorted(attributes, key=lambda item: item != "country_code"):
        attribute, value = BY_NAME[name], attributes[name]
        present = fields.visible(fields.named(name))
        if present is None:
            raise _closed("field-not-shown", attribute.label, "this field", "no such field in the form")
        if fields.attribute(name) == value:
            continue
        if present.disabled:
            raise _closed("field-read-only", attribute.label, "a field that can be changed", "a field that is disabled")
        control = tab.at(field_key, field=name, **place)
        if attribute.kind == "yes_no":
            if fields.hidden(fields.named(name)) is None:
                raise UnknownPage(
                    "unknown-page",
                    f"The checkbox {attribute.label} has no hidden twin, so that unticking would not be sent.",
                    expected=f"a hidden {fields.named(name)}",
                    seen="none",
                )
            await set_checkbox(tab, control, attribute.label, value == "yes")
        elif present.type.startswith("select"):
            css = tab.css(field_key, field=name, **place)
            await choose_native(tab, NativeSelect(css, attribute.label), value)
        else:
            await set_text(tab, control, attribute.label, value)


async def fill_company(tab: Tab, select: DesignSelect, company: Vendor) -> None:
    """Choose the company by its id (names are not unique [D]); a Vendor with an empty id clears the field."""
    if not company.id:
        await choose_nothing(tab, select)
        return
    await choose_by_value(tab, select, company.id, company.name)


def _closed(code: str, label: str, expected: str, seen: str) -> Failed:
    return Failed(
        code,
        f"The form does not let the service account set {label}.",
        expected=expected,
        seen=seen,
        mender=Mender.ADMINISTRATOR,
    )
