"""What is a secret by its place: fields, headers, parameters and markup that carry one, whatever the value."""

from __future__ import annotations

import html
import json
import re
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

from agent.credentials.secret import MASK

_NAMES = (
    r".*(?:password|passwd|passphrase|token|secret|api[_-]?key)(?:[_-]?confirmation)?"
    r"|(?:.*[_-])?(?:otp|totp|mfa_code|jwt|[cx]srf)|password.*|code|pin|ticket"
    r"|one_time_code|verification_code|otp_code|totp_code|backup_code|recovery_code"
    r"|(?:proxy-)?authorization|set-cookie2?|cookie|assertion|saml(?:response|request)|sig|(?:x-(?:amz|goog)-)?signature"
    r"|(?:.*[_-])?session(?:[_-]?id)?|jsessionid|phpsessid|sid"
)
_SENSITIVE_NAME = re.compile(_NAMES, re.IGNORECASE)
_LAST_SEGMENT = re.compile(r"\[([^\[\]]*)\]$")
_TAG = re.compile(r"<(?:input|meta|textarea)\b[^>]*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-zA-Z_:][-\w:.]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_URL_PARAMETER = re.compile(
    r"([?&#](?:amp;)?(?:[\w.-]*(?:token|secret|signature|password|api_?key)|ticket|code|otp|jwt|sig|session|sid|assertion"
    r"|saml(?:response|request))=)[^&#\"'\s<>\\]+",
    re.IGNORECASE,
)
_PASSWORD_IN_ADDRESS = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^/\s:@\"'<>]*:)[^/\s@\"'<>]+(?=@)", re.IGNORECASE)
_SELECTOR = re.compile(r"passw|one-time-code|\botp\b|totp|verification.?code|name=[\"']?code\b|#code\b", re.IGNORECASE)
_FORM_PART = re.compile(r'(name="([^"]*)"[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n)(.*?)(?=\r?\n--)', re.DOTALL)
_STORED = frozenset({"cookies", "localStorage", "sessionStorage", "indexedDB"})
_TAGS_WITH_VALUES = frozenset({"INPUT", "TEXTAREA", "META"})
_VALUE_ATTRIBUTES = frozenset({"value", "__playwright_value_"})


@lru_cache(maxsize=4096)
def is_sensitive_name(name: str) -> bool:
    """Whether a field, header or parameter of this name carries a secret: ``password``, ``user[password]``, ``Cookie``.

    ``state_code`` and the like do not.
    """
    segment = _LAST_SEGMENT.search(name)
    return _SENSITIVE_NAME.fullmatch(segment.group(1) if segment else name) is not None


def is_sensitive_selector(selector: str) -> bool:
    """Whether a recorded selector looks like that of a password or one-time-code field."""
    return _SELECTOR.search(selector) is not None


def is_sensitive_element(tag: str, attributes: dict[str, Any]) -> bool:
    """Whether an element's value is a secret: password and one-time-code fields, tokens in hidden inputs and meta."""
    if tag.upper() not in _TAGS_WITH_VALUES:
        return False
    lowered = {str(name).lower(): str(value) for name, value in attributes.items()}
    if tag.upper() == "META":
        return is_sensitive_name(lowered.get("name", "")) or lowered.get("name", "").lower().startswith("csrf-token")
    return (
        lowered.get("type", "").lower() == "password"
        or "one-time-code" in lowered.get("autocomplete", "").lower()
        or is_sensitive_name(lowered.get("name", ""))
    )


def mask_attributes(tag: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a recorded element, its value masked when it is a secret by its place."""
    if not is_sensitive_element(tag, attributes):
        return attributes
    hidden = {"content"} if tag.upper() == "META" else _VALUE_ATTRIBUTES
    return {name: MASK if name.lower() in hidden and value else value for name, value in attributes.items()}


def mask_text(text: str) -> str:
    """Markup and addresses inside any text: values of sensitive elements, sensitive parameters of URLs."""
    if "<" in text:
        text = _TAG.sub(_mask_tag, text)
    if "=" in text:
        text = _URL_PARAMETER.sub(lambda found: found.group(1) + MASK, text)
    if "://" in text and "@" in text:
        text = _PASSWORD_IN_ADDRESS.sub(lambda found: found.group(1) + MASK, text)
    return text


def _mask_tag(found: re.Match[str]) -> str:
    whole = found.group(0)
    tag = re.match(r"<(\w+)", whole)
    attributes = {
        item.group(1): html.unescape(item.group(2) or item.group(3) or item.group(4) or "")
        for item in _ATTRIBUTE.finditer(whole)
    }
    if tag is None or not is_sensitive_element(tag.group(1), attributes):
        return whole
    hidden = {"content"} if tag.group(1).upper() == "META" else _VALUE_ATTRIBUTES

    def mask(item: re.Match[str]) -> str:
        return f'{item.group(1)}="{MASK}"' if item.group(1).lower() in hidden else item.group(0)

    return _ATTRIBUTE.sub(mask, whole)


def mask_form(body: str) -> str:
    """A url-encoded form body with its sensitive parameters masked, order and doubles kept."""
    pairs = parse_qsl(body, keep_blank_values=True)
    if not any(is_sensitive_name(name) for name, _ in pairs):
        return body
    return urlencode([(name, MASK if is_sensitive_name(name) and value else value) for name, value in pairs])


def mask_multipart(body: str) -> str:
    """A multipart form body with its sensitive parts masked."""
    return _FORM_PART.sub(
        lambda found: found.group(1) + (MASK if is_sensitive_name(found.group(2)) else found.group(3)), body
    )


def mask_json_body(body: str) -> str:
    """A JSON body with sensitive members masked; other text comes back as :func:`mask_text` leaves it."""
    try:
        value = json.loads(body)
    except ValueError:
        return mask_text(body)
    return json.dumps(mask_value(value), ensure_ascii=False, separators=(",", ":"))


def mask_value(value: Any) -> Any:
    """A JSON value of any shape with what is sensitive in it masked.

    Knows ``{"password": x}``, ``{"name": "Cookie", "value": x}`` (headers, parameters), ``{"k": name, "v": x}``
    (arguments and results of calls in a trace), and lists of cookies and stored items, of which every value goes.
    """
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, list):
        return [mask_value(item) for item in value]
    if not isinstance(value, dict):
        return value
    name = value.get("name", value.get("k"))
    named_secret = isinstance(name, str) and is_sensitive_name(name)
    masked: dict[str, Any] = {}
    for key, item in value.items():
        if (key in {"value", "v"} and named_secret and item) or (
            is_sensitive_name(key) and isinstance(item, str) and item
        ):
            masked[key] = MASK if isinstance(item, str) else {"s": MASK}
        elif key in _STORED and isinstance(item, list):
            masked[key] = [_mask_stored(entry) for entry in item]
        else:
            masked[key] = mask_value(item)
    return masked


def _mask_stored(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return MASK
    return {key: MASK if key in {"value", "stores"} else mask_value(item) for key, item in entry.items()}
