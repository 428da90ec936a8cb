"""Two states of a person compared, in words: the rows that plans, saves and findings are told in."""

from __future__ import annotations

from collections.abc import Iterable

from agent.domain.access import AccessLevel, CompanyAccess, Frozen, Vendor
from agent.domain.attributes import BY_NAME
from agent.domain.names import normal_name, same_name
from agent.domain.person import UserChange


class Difference(Frozen):
    """One row of the table that people see: what, how it is, how it shall be."""

    what: str
    before: str
    after: str


def template_words(template: str | None) -> str:
    """A template's name in quotes, or the word none."""
    return f"'{template}'" if template else "none"


def text_words(text: str) -> str:
    """A field's text in quotes, or the word empty."""
    return f"'{text}'" if text else "empty"


def attribute_text(name: str, text: str) -> str:
    """A field's kept text as the Edit page shows it [D]; a code that is not known stands as it is.

    Yes or No for a yes/no field, where empty means No.
    """
    attribute = BY_NAME.get(name)
    if attribute is None:
        return text
    if attribute.kind == "yes_no":
        return yes_no(text == "yes")
    return attribute.shown_as.get(text, text)


def attribute_words(name: str, text: str) -> str:
    """A field's text as shown, in quotes, or the word empty; Yes and No stand without quotes."""
    shown = attribute_text(name, text)
    return shown if name in BY_NAME and BY_NAME[name].kind == "yes_no" else text_words(shown)


def vendor_words(vendor: Vendor | None) -> str:
    """A company with its id, since names are not unique; or the word none."""
    return f"'{vendor.name}' (id {vendor.id})" if vendor is not None and vendor.id else "none"


def yes_no(value: bool) -> str:
    """Yes or No, as the Change History writes it [I]."""
    return "Yes" if value else "No"


def level_of(access: CompanyAccess, tool: str) -> AccessLevel:
    """The level on one tool of access given tool by tool; None for tools that are not named."""
    return next((level for name, level in access.levels.items() if same_name(name, tool)), AccessLevel.NONE)


def tools_of(*accesses: CompanyAccess) -> list[str]:
    """The tools that these name, each once, in order of appearance."""
    tools: dict[str, str] = {}
    for access in accesses:
        for tool in access.levels:
            tools.setdefault(normal_name(tool), tool)
    return list(tools.values())


def same_access(one: CompanyAccess, other: CompanyAccess) -> bool:
    """Whether both give the same: the same template, or the same level on every tool.

    Admin on Directory is Admin everywhere, and the page greys the other rows [D]: then those do not count.
    """
    if one.template is not None or other.template is not None:
        return one.template == other.template
    if is_company_admin(one) and is_company_admin(other):
        return True
    return all(level_of(one, tool) == level_of(other, tool) for tool in tools_of(one, other))


def access_words(access: CompanyAccess) -> str:
    """Company access in words: the template, the levels above None, or none."""
    if access.template is not None:
        return template_words(access.template)
    levels = [f"{tool} {level.label}" for tool, level in access.levels.items() if level]
    return ", ".join(levels) if levels else "none"


def change_rows(before: UserChange, after: UserChange) -> tuple[Difference, ...]:
    """What one Save changes; ``before`` holds the parts that ``after`` names, as they were."""
    rows = [
        Difference(
            what=BY_NAME[name].label if name in BY_NAME else name,
            before=attribute_words(name, before.attributes.get(name, "")),
            after=attribute_words(name, text),
        )
        for name, text in after.attributes.items()
    ]
    if after.email is not None:
        rows.append(
            Difference(what="Email Address", before=text_words(before.email or ""), after=text_words(after.email))
        )
    if after.company is not None:
        rows.append(Difference(what="Company", before=vendor_words(before.company), after=vendor_words(after.company)))
    if after.company_access is not None:
        old = before.company_access or CompanyAccess()
        rows.append(
            Difference(what="Company access", before=access_words(old), after=access_words(after.company_access))
        )
    if after.default_project_template is not None:
        rows.append(
            Difference(
                what="Default project template",
                before=template_words(before.default_project_template),
                after=template_words(after.default_project_template),
            )
        )
    if after.add_to_new_projects is not None:
        rows.append(
            Difference(
                what="Add to All New Projects",
                before=yes_no(bool(before.add_to_new_projects)),
                after=yes_no(after.add_to_new_projects),
            )
        )
    return tuple(rows)


def change_reduces(before: UserChange, after: UserChange) -> bool:
    """Whether a Save takes some access away."""
    old = before.company_access or CompanyAccess()
    new = after.company_access
    if new is not None and not same_access(old, new) and (old.template is not None or _some_lower(old, new)):
        return True
    if before.default_project_template and after.default_project_template is not None:
        return True
    return after.add_to_new_projects is False and bool(before.add_to_new_projects)


def change_grants(before: UserChange, after: UserChange) -> bool:
    """Whether a Save gives some access. A template's content is not known: another one both takes and gives."""
    old = before.company_access or CompanyAccess()
    new = after.company_access
    if new is not None and not same_access(old, new) and (new.template is not None or _some_lower(new, old)):
        return True
    return bool(after.default_project_template) or (
        after.add_to_new_projects is True and not before.add_to_new_projects
    )


def _some_lower(high: CompanyAccess, low: CompanyAccess) -> bool:
    return any(level_of(high, tool) > level_of(low, tool) for tool in tools_of(high, low))


def sentence_list(items: Iterable[str]) -> str:
    """``a, b and c``."""
    words = list(items)
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def is_company_admin(access: CompanyAccess) -> bool:
    """Whether this makes a Company Admin: Admin on the company tool Directory [D]. A template does not show it [I]."""
    return level_of(access, "Directory") == AccessLevel.ADMIN
