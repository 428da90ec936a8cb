"""Takes secrets out of a recorded trace, so that it may be kept.

A trace holds the typed password in four to six places, cookies and form tokens in many. First whatever is a secret *by
its place* is masked (``sensitive``), then every secret known *by its value*, in all encodings (``masking``). The number
of lines and of snapshot nodes never changes, since snapshots refer to each other by counting them.

Only trace format 10 (Playwright 1.65) is understood; :class:`TraceNotUnderstood` says that a trace must not be kept.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent.credentials.known import KnownSecrets
from agent.credentials.secret import MASK, Secret
from agent.evidence.masking import Masker
from agent.evidence.sensitive import (
    is_sensitive_element,
    is_sensitive_selector,
    mask_attributes,
    mask_form,
    mask_json_body,
    mask_multipart,
    mask_text,
    mask_value,
)

TRACE_VERSIONS = frozenset({10})
_SHORTEST_TOKEN = 16  # shorter values ("en", "1") stand everywhere by accident
_LONG_SCRIPT = 300  # characters
_TYPED = re.compile(r"\b(fill|type|insertText|press|pressSequentially)\(.*\)", re.DOTALL)
_TEXT_TYPES = re.compile(r"text/|json|javascript|xml|x-www-form-urlencoded|multipart/form-data", re.IGNORECASE)
_A_FIXED_TIME = (1980, 1, 1, 0, 0, 0)

_Line = dict[str, Any]


class TraceNotUnderstood(Exception):
    """The recording is not of a format that can be redacted with certainty."""


def redact_trace(raw: Path, known: KnownSecrets) -> bytes:
    """The recording in ``raw`` without secrets, as a zip; the same input gives the same bytes.

    TraceNotUnderstood for an unknown version, a line that is not JSON or a damaged zip.
    """
    try:
        with zipfile.ZipFile(raw) as archive:
            entries = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    except (zipfile.BadZipFile, OSError) as error:
        raise TraceNotUnderstood(f"the recording is not a whole zip file: {error}") from error
    lines = {name: _lines(name, data) for name, data in entries.items() if _is_line_file(name)}
    _require_known_version(lines)
    mask = Masker(_with_tokens(known, lines))
    types = _content_types(lines)
    redacted: dict[str, bytes] = {}
    for name, data in entries.items():
        if name in lines:
            redacted[name] = _redact_lines(lines[name], mask)
        elif name == "trace.stacks":
            redacted[name] = mask(data.decode("utf-8", "replace")).encode()
        else:
            redacted[name] = _redact_body(data, types.get(name, ""), mask)
    return _zip(redacted)


def _is_line_file(name: str) -> bool:
    return name.endswith((".trace", ".network"))


def _lines(name: str, data: bytes) -> list[_Line]:
    try:
        return [json.loads(line) for line in data.decode().split("\n") if line.strip()]
    except ValueError as error:
        raise TraceNotUnderstood(f"{name} holds a line that is not JSON") from error


def _require_known_version(lines: dict[str, list[_Line]]) -> None:
    versions = {
        line.get("version")
        for name, file in lines.items()
        if name.endswith(".trace")
        for line in file
        if line.get("type") == "context-options"
    }
    if not versions or not versions <= TRACE_VERSIONS:
        raise TraceNotUnderstood(f"trace format {sorted(map(str, versions)) or 'unknown'}, expected 10")


def _content_types(lines: dict[str, list[_Line]]) -> dict[str, str]:
    """Which body is of which content type, by the name of its entry; a body seen as a form counts as a form."""
    types: dict[str, str] = {}
    for file in lines.values():
        for line in file:
            if line.get("type") != "resource-snapshot":
                continue
            snapshot = line.get("snapshot", {})
            content = snapshot.get("response", {}).get("content", {})
            posted = snapshot.get("request", {}).get("postData", {})
            for body in (content, posted):
                if isinstance(body, dict) and isinstance(body.get("_file"), str):
                    types[body["_file"]] = str(body.get("mimeType", ""))
    return types


def _with_tokens(known: KnownSecrets, lines: dict[str, list[_Line]]) -> KnownSecrets:
    """The known secrets, and the cookies and form tokens seen in the recording: scripts may carry them elsewhere."""
    all_of_them = KnownSecrets()
    for secret in known:
        all_of_them.add(secret.label, secret.secret, secret.kind)
    for file in lines.values():
        for line in file:
            snapshot = line.get("snapshot", {})
            tokens = set(_tokens_of(snapshot.get("html")))
            for side in ("request", "response"):
                for cookie in snapshot.get(side, {}).get("cookies", []):
                    tokens.add(str(cookie.get("value", "")))
            for token in tokens:
                if len(token) >= _SHORTEST_TOKEN:
                    all_of_them.add("token of the recording", Secret(token))
    return all_of_them


def _tokens_of(node: Any) -> Iterator[str]:
    if not isinstance(node, list) or not node or not isinstance(node[0], str):
        return
    attributes = node[1] if len(node) > 1 and isinstance(node[1], dict) else {}
    if attributes and is_sensitive_element(node[0], attributes):
        yield from (str(attributes[name]) for name in ("value", "content") if name in attributes)
    for child in node[2:]:
        yield from _tokens_of(child)


def _redact_lines(lines: list[_Line], mask: Masker) -> bytes:
    secret_calls = _calls_that_type_secrets(lines)
    scripts: dict[str, str] = {}
    out = []
    for line in lines:
        redacted = _shortened(_redact_line(line, secret_calls), scripts)
        out.append(mask(json.dumps(redacted, ensure_ascii=False, separators=(",", ":"))))
    return ("\n".join(out) + "\n").encode()


def _shortened(line: _Line, scripts: dict[str, str]) -> _Line:
    """A script of ours that ran before is only referred to: the same few would be a third of the recording."""
    params = line.get("params")
    script = params.get("expression") if isinstance(params, dict) and line.get("type") == "before" else None
    if not isinstance(script, str) or len(script) < _LONG_SCRIPT:
        return line
    first = scripts.setdefault(script, str(line.get("callId")))
    if first == line.get("callId"):
        return line
    return {**line, "params": {**line["params"], "expression": f"/* the same script as in call {first} */"}}


def _calls_that_type_secrets(lines: list[_Line]) -> set[str]:
    """Calls on a password or one-time-code field: by their selector, or by the element they are seen to act on."""
    calls: set[str] = set()
    for line in lines:
        if line.get("type") == "before":
            if is_sensitive_selector(str(line.get("params", {}).get("selector", ""))):
                calls.add(str(line.get("callId")))
        elif line.get("type") == "frame-snapshot":
            snapshot = line.get("snapshot", {})
            if _targets_a_secret(snapshot.get("html")):
                calls.add(str(snapshot.get("callId")))
    return calls


def _targets_a_secret(node: Any) -> bool:
    if not isinstance(node, list) or not node or not isinstance(node[0], str):
        return False
    attributes = node[1] if len(node) > 1 and isinstance(node[1], dict) else {}
    if "__playwright_target__" in attributes and is_sensitive_element(node[0], attributes):
        return True
    return any(_targets_a_secret(child) for child in node[2:])


def _redact_line(line: _Line, secret_calls: set[str]) -> _Line:
    kind = line.get("type")
    if kind == "frame-snapshot":
        snapshot = {name: mask_value(value) for name, value in line["snapshot"].items() if name != "html"}
        return {**line, "snapshot": {**snapshot, "html": _redact_node(line["snapshot"]["html"])}}
    if kind == "resource-snapshot":
        return {**line, "snapshot": _redact_exchange(line["snapshot"])}
    redacted: _Line = mask_value(line)
    if str(line.get("callId")) in secret_calls:
        if kind == "before":
            params = redacted.get("params", {})
            redacted["params"] = {
                name: MASK if name in {"value", "text", "key"} and value else value for name, value in params.items()
            }
        elif kind == "log":
            redacted["message"] = _TYPED.sub(rf'\1("{MASK}")', str(redacted.get("message", "")))
        elif kind == "after" and "result" in redacted:
            redacted["result"] = _emptied(redacted["result"])
    return redacted


def _emptied(value: Any) -> Any:
    """The same shape with every text masked: what a call on a secret field returned may be its value."""
    if isinstance(value, dict):
        return {name: _emptied(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_emptied(item) for item in value]
    return MASK if isinstance(value, str) else value


def _redact_node(node: Any) -> Any:
    """A snapshot node: text, a reference ``[[back, number]]``, or ``[TAG, attributes, child...]``."""
    if isinstance(node, str):
        return mask_text(node)
    if not isinstance(node, list) or not node or not isinstance(node[0], str):
        return node
    attributes = node[1] if len(node) > 1 and isinstance(node[1], dict) else None
    if attributes is None:
        return node
    masked = {
        name: mask_text(value) if isinstance(value, str) and ("=" in value or "<" in value) else value
        for name, value in attributes.items()
    }
    return [node[0], mask_attributes(node[0], masked), *(_redact_node(child) for child in node[2:])]


def _redact_exchange(exchange: _Line) -> _Line:
    """A request and its answer; the text of a posted form is masked by its parameters."""
    redacted: _Line = mask_value(exchange)
    posted = redacted.get("request", {}).get("postData")
    if isinstance(posted, dict) and isinstance(posted.get("text"), str):
        posted["text"] = _mask_by_type(posted["text"], str(posted.get("mimeType", "")))
    return redacted


def _redact_body(data: bytes, content_type: str, mask: Masker) -> bytes:
    """A stored body. Bytes that are no text are kept as they are: the search after this looks into them, too."""
    if content_type and not _TEXT_TYPES.search(content_type):
        return data
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data
    return mask(_mask_by_type(text, content_type)).encode()


def _mask_by_type(text: str, content_type: str) -> str:
    if "x-www-form-urlencoded" in content_type:
        return mask_form(text)
    if "multipart/form-data" in content_type:
        return mask_multipart(text)
    if "json" in content_type:
        return mask_json_body(text)
    return mask_text(text)


def _zip(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, _A_FIXED_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            archive.writestr(info, entries[name])
    return buffer.getvalue()
