"""The JSON Schema of OCSF's User Management events, version 1.9.0, for tests.

No package carries 1.9.0 yet. It is made from the published schema of 1.8.0 (package ocsf-json-schema) and what the
release notes and object definitions of 1.9.0 document: the class itself, the Record Integrity profile, and the
attributes that the fingerprint object has gained. As soon as the package carries 1.9.0, that is taken instead.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from ocsf_json_schema import (  # type: ignore[import-untyped]  # the package has no types
    OcsfJsonSchemaEmbedded,
    get_ocsf_schema,
    get_packaged_versions,
)

VERSION = "1.9.0"
PUBLISHED = "1.8.0"
_ACTIVITIES = (
    "Unknown",
    "Create",
    "Update",
    "Delete",
    "Enable",
    "Disable",
    "Lock",
    "Unlock",
    "Password Change",
    "Password Reset",
    "Attach Policies",
    "Detach Policies",
    "MFA Factor Enable",
    "MFA Factor Disable",
    "Assign Privileges",
    "Remove Privileges",
    "Assign Roles",
    "Remove Roles",
)
_ACTIVITY_IDS = [*range(len(_ACTIVITIES)), 99]
_TEXT = {"type": "string"}


def user_management() -> dict[str, Any]:
    """The schema of the class with its profile; unknown attributes are errors, as in every generated schema."""
    if VERSION in get_packaged_versions():
        return _published(VERSION, "user_management", ["record_integrity"])
    schema = _published(PUBLISHED, "account_change")
    properties = schema["properties"]
    for gone in ("user_result", "policy"):
        del properties[gone]
    properties["class_uid"] = {"type": "integer", "const": 3007}
    properties["activity_id"] = {"type": "integer", "enum": _ACTIVITY_IDS}
    properties["type_uid"] = {"type": "integer", "enum": [300700 + number for number in _ACTIVITY_IDS]}
    properties["updated_user"] = {"$ref": "#/$defs/user"}
    properties["iam_roles"] = {"type": "array", "items": {"$ref": "#/$defs/iam_role"}}
    properties["resources"] = {"type": "array", "items": {"$ref": "#/$defs/resource_details"}}
    properties["privileges"] = {"type": "array", "items": _TEXT}
    properties["attestation_list"] = {"type": "array", "items": {"$ref": "#/$defs/attestation"}}
    defs = schema["$defs"]
    other = _published(PUBLISHED, "user_access")["$defs"]
    defs.update({name: copy.deepcopy(item) for name, item in other.items() if name not in defs})
    defs["fingerprint"]["properties"] |= {
        "encoding": _TEXT,
        "encoding_id": {"type": "integer", "enum": [0, 1, 2, 3, 99]},
        "serialization": _TEXT,
        "serialization_id": {"type": "integer", "enum": [*range(9), 99]},
    }
    defs["iam_role"] = _object(name=_TEXT, uid=_TEXT, uid_alt=_TEXT, privileges={"type": "array", "items": _TEXT})
    defs["iam_role"]["anyOf"] = [{"required": ["name"]}, {"required": ["uid"]}]
    defs["prev_event"] = _object(
        uid=_TEXT, type_uid={"type": "integer"}, fingerprint={"$ref": "#/$defs/fingerprint"}
    ) | {"required": ["uid"]}
    defs["attestation"] = _object(
        uid=_TEXT,
        authority_uid=_TEXT,
        chain_uid=_TEXT,
        fingerprint={"$ref": "#/$defs/fingerprint"},
        prev_event={"$ref": "#/$defs/prev_event"},
        signatures={"type": "array"},
    ) | {"anyOf": [{"required": ["fingerprint"]}, {"required": ["signatures"]}]}
    return schema


def _published(version: str, name: str, profiles: Sequence[str] = ()) -> dict[str, Any]:
    schema: dict[str, Any] = OcsfJsonSchemaEmbedded(get_ocsf_schema(version)).get_class_schema(name, list(profiles))
    return schema


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}
