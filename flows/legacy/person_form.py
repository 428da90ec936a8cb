"""The fields of a person in a form: reading them, checking that all of them are known, filling them in.

Add User and the Edit page name their fields alike, ``user[field]`` [I]. A field that the catalogue does not know stops
a write, required or not: leaving it as it is may be a decision that nobody has taken.
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

    def __init__(self, raw: list[Mapping[str, Any]]) -> None:
        self.all = tuple(Field.of(item) for item in raw)

    def visible(self, name: str) -> Field | None:
        """The field that a person sees; not the hidden ``0`` twin before a checkbox (hazard 18)."""
        return next((field for field in self.all if field.name == name and field.type != "hidden"), None)

    def hidden(self, name: str) -> Field | None:
        """The hidden input of this name."""
        return next((field for field in self.all if field.name == name and field.type == "hidden"), None)

    def attribute(self, name: str) -> str | None:
        """An attribute as text ("yes"/"no" for a checkbox); None when the form does not show it."""
        field = self.visible(f"user[{name}]")
        if field is None:
            return None
        if field.type == "checkbox":
            return "yes" if field.checked else "no"
        return field.value.strip()

    def refuse_unknown(self, tab: Tab, form: str) -> None:
        """UnknownPage when the form has a field that the catalogue does not list."""
        known = tab.catalogue.form(form)
        unknown = sorted({field.name for field in self.all if not known.knows(field.name)})
        if unknown:
            required = {field.name for field in self.all if field.required}
            raise UnknownPage(
                "unknown-field",
                "The form has a field that this agent does not know.",
                expected=f"only the fields of {form}",
                seen=", ".join(f"{name} (required)" if name in required else name for name in unknown),
            )


async def fill_attributes(tab: Tab, field_key: str, fields: Fields, attributes: Mapping[str, str]) -> None:
    """Put each attribute into its field, and read each back. ``field_key`` is the hook of a field by its name.

    Country goes before State, whose options depend on it. Failed("field-not-shown") and Failed("field-read-only") when
    the form does not let this account set one.
    """
    for name in sorted(attributes, key=lambda item: item != "country_code"):
        attribute, value = BY_NAME[name], attributes[name]
        present = fields.visible(f"user[{name}]")
        if present is None:
            raise _closed("field-not-shown", attribute.label, "this field", "no such field in the form")
        if fields.attribute(name) == value:
            continue
        if present.disabled:
            raise _closed("field-read-only", attribute.label, "a field that can be changed", "a field that is disabled")
        control = tab.at(field_key, field=name)
        if attribute.kind == "yes_no":
            if fields.hidden(f"user[{name}]") is None:
                raise UnknownPage(
                    "unknown-page",
                    f"The checkbox {attribute.label} has no hidden twin, so that unticking would not be sent.",
                    expected=f"a hidden user[{name}]",
                    seen="none",
                )
            await set_checkbox(tab, control, attribute.label, value == "yes")
        elif present.type.startswith("select"):
            css = tab.css(field_key, field=name)
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
