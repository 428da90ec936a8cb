"""The fields of a person that a job may set, in Procore's words.

Names are those of Procore's REST model and import file [D]; the labels are the Edit page's [D].
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple


class Attribute(NamedTuple):
    """One field: its name in jobs and evidence, its label on the page, its kind and its longest text.

    ``shown_as`` has the label of each value that is kept as a code; states and countries are known by their codes.
    """

    name: str
    label: str
    kind: Literal["text", "choice", "yes_no"] = "text"
    max_length: int = 255
    shown_as: Mapping[str, str] = MappingProxyType({})


ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute("first_name", "First Name"),
    Attribute("last_name", "Last Name"),
    Attribute("initials", "Initials"),
    Attribute("job_title", "Job Title"),
    Attribute("address", "Address"),
    Attribute("city", "City"),
    Attribute("state_code", "State", "choice"),
    Attribute("country_code", "Country", "choice"),
    Attribute("zip", "ZIP"),
    Attribute("business_phone", "Business Phone"),
    Attribute("business_phone_extension", "Business Phone Extension"),
    Attribute("mobile_phone", "Cell Phone"),
    Attribute("fax_number", "Business Fax"),
    Attribute("notes", "Tags/Keywords"),
    Attribute("employee_id", "Employee ID"),
    Attribute("is_employee", "Is Employee", "yes_no"),
    Attribute(
        "email_notification_setting",
        "Send This User Messages",
        "choice",
        shown_as=MappingProxyType({"via_email": "Via Email", "not_at_all": "Not at All"}),
    ),
)

BY_NAME: dict[str, Attribute] = {attribute.name: attribute for attribute in ATTRIBUTES}
