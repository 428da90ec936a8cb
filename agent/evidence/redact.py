"""Takes secrets out of a recorded trace, so that it may be kept.

A trace holds the typed password in four to six places, cookies and form tokens in many. First whatever is a secret *by
its place* is masked (``sensitive``), then every secret known *by its value*, in all encodings (``masking``). The number
of lines and of snapshot nodes never changes, since snapshots refer to each other by counting them.

What is not understood with certainty must not be kept: :class:`agent.evidence.raw_recording.TraceNotUnderstood`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent.credentials.known import KnownSecrets
from agent.credentials.secret import MASK, Secret
from agent.evidence.masking import Masker
from agent.evidence.objects import pack
from agent.evidence.private import Bystanders
from agent.evidence.private_pages import NOT_KEPT, holds_people, learn_from, mask_page
from agent.evidence.raw_recording import Line, RawRecording, is_shown_page
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

_SHORTEST_TOKEN = 16  # shorter values ("en", "1") stand everywhere by accident
_LONG_SCRIPT = 300  # characters
_TYPED = re.compile(r"\b(fill|type|insertText|press|pressSequentially)\(.*\)", re.DOTALL)
_TEXT_TYPES = re.compile(r"text/|json|javascript|xml|x-www-form-urlencoded|multipart/form-data", re.IGNORECASE)


def redact_trace(raw: Path, known: KnownSecrets, bystanders: Bystanders | None = None) -> bytes:
    """The recording in ``raw`` without secrets, as a zip; as :func:`redact_entries` in all else."""
    return pack(redact_entries(raw, known, bystanders))


def redact_entries(raw: Path, known: KnownSecrets, bystanders: Bystanders | None = None) -> dict[str, bytes]:
    """The entries of the recording in ``raw`` without secrets; the same input gives the same bytes.

    With ``bystanders``, without people the job is not about, too. Pages that came in order are not kept as they came,
    beside what was seen of them: they would be half of the recording. TraceNotUnderstood as
    :class:`agent.evidence.raw_recording.RawRecording` raises it.
    """
    recording = RawRecording.open(raw)
    lines = recording.lines
    mask = _Mask(_with_tokens(known, lines), bystanders, lines)
    types, left_out = recording.content_types(), recording.bodies_of_shown_pages()
    redacted: dict[str, bytes] = {}
    for name, data in recording.entries.items():
        if name in lines:
            redacted[name] = _redact_lines(lines[name], mask)
        elif name not in left_out:
            redacted[name] = _redact_body(name, data, types.get(name, ""), mask)
    return redacted


class _Mask:
    """All that is masked by value, and what is masked of other people by place."""

    def __init__(self, known: KnownSecrets, bystanders: Bystanders | None, lines: dict[str, list[Line]]) -> None:
        self._secrets = Masker(known)
        self._bystanders = bystanders
        self._own_rows: frozenset[str] = frozenset()
        if bystanders is not None:
            self._own_rows = learn_from([line for file in lines.values() for line in file], bystanders)

    def __call__(self, text: str) -> str:
        text = self._secrets(text)
        return text if self._bystanders is None else self._bystanders.text(text)

    def page(self, node: Any) -> Any:
        """A page of the recording."""
        redacted = _redact_node(node)
        return redacted if self._bystanders is None else mask_page(redacted, self._bystanders, self._own_rows)

    def hides(self, name: str, content_type: str) -> bool:
        """Whether a body is not kept, since people in it cannot be told apart."""
        return self._bystanders is not None and holds_people(name, content_type)


def _with_tokens(known: KnownSecrets, lines: dict[str, list[Line]]) -> KnownSecrets:
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


def _redact_lines(lines: list[Line], mask: _Mask) -> bytes:
    secret_calls = _calls_that_type_secrets(lines)
    scripts: dict[str, str] = {}
    out = []
    for line in lines:
        redacted = _shortened(_redact_line(line, secret_calls, mask), scripts)
        out.append(mask(json.dumps(redacted, ensure_ascii=False, separators=(",", ":"))))
    return ("\n".join(out) + "\n").encode()


def _shortened(line: Line, scripts: dict[str, str]) -> Line:
    """A script of ours that ran before is only referred to: the same few would be a third of the recording."""
    params = line.get("params")
    script = params.get("expression") if isinstance(params, dict) and line.get("type") == "before" else None
    if not isinstance(script, str) or len(script) < _LONG_SCRIPT:
        return line
    first = scripts.setdefault(script, str(line.get("callId")))
    if first == line.get("callId"):
        return line
    return {**line, "params": {**line["params"], "expression": f"/* the same script as in call {first} */"}}


def _calls_that_type_secrets(lines: list[Line]) -> set[str]:
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


def _redact_line(line: Line, secret_calls: set[str], mask: _Mask) -> Line:
    kind = line.get("type")
    if kind == "frame-snapshot":
        snapshot = {name: mask_value(value) for name, value in line["snapshot"].items() if name != "html"}
        return {**line, "snapshot": {**snapshot, "html": mask.page(line["snapshot"]["html"])}}
    if kind == "resource-snapshot":
        return {**line, "snapshot": _redact_exchange(line["snapshot"])}
    redacted: Line = mask_value(line)
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


def _redact_exchange(exchange: Line) -> Line:
    """A request and its answer; the text of a posted form is masked by its parameters."""
    redacted: Line = mask_value(exchange)
    if is_shown_page(exchange):
        redacted["response"]["content"].pop("_file", None)
    posted = redacted.get("request", {}).get("postData")
    if isinstance(posted, dict) and isinstance(posted.get("text"), str):
        posted["text"] = _mask_by_type(posted["text"], str(posted.get("mimeType", "")))
    return redacted


def _redact_body(name: str, data: bytes, content_type: str, mask: _Mask) -> bytes:
    """A stored body. Bytes that are no text are kept as they are: the search after this looks into them, too."""
    if mask.hides(name, content_type):
        return NOT_KEPT
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
