"""Taking known secrets out of text, in whatever encoding they stand there."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from html.entities import codepoint2name

from agent.credentials.known import KnownSecret, KnownSecrets, SecretKind
from agent.credentials.secret import MASK

_GAP_CODES = (9, 10, 13, 32, 43, 45, 160)  # tab, line ends, space, plus, dash, hard space
#: What may stand between two characters of a seed in encoded form, in capitals; marks as they are need no list.
_GAPS = (
    *("%C2%A0", "%25C2%25A0", "\\N", "\\R", "\\T", "&NBSP;", "&AMP;NBSP;"),
    *(form for code in _GAP_CODES for form in (f"%{code:02X}", f"%25{code:02X}", f"\\U{code:04X}")),
    *(form for code in _GAP_CODES for form in (f"&#{code};", f"&#X{code:X};")),
)
_WRITTEN_GAP = "|".join(re.escape(gap).replace(r"\\", r"\\+") for gap in _GAPS)
# No quotes and brackets among the marks: a list of short texts must stay a list.
_GAP = rf"(?:{_WRITTEN_GAP}|[^\w\"'{{}}\[\]<>]|_){{0,6}}"
# Letters that no gap is written with: what is left of a text with these alone shows at once that a seed is not in it.
_TELLING = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ") - frozenset("".join(_GAPS))
_NOT_TELLING = bytes(code for code in range(256) if chr(code).upper() not in _TELLING)
_SHORTEST_CLUE = 4
_BASE64_MASK = base64.b64encode(MASK.encode()).decode()  # four characters, stays decodable


class Masker:
    """Replaces every known secret by ``***``: raw, JSON, percent (both cases, ``+``), HTML entities, base64, mixtures.

    A TOTP seed goes in small letters, in groups and with marks between its characters as well: to an authenticator that
    is the same seed. Secrets that become known later are masked from then on.
    """

    def __init__(self, known: KnownSecrets) -> None:
        self._known = known
        self._patterns: list[_Pattern | _Seed] = []

    def __call__(self, text: str) -> str:
        """The text without secrets; the very same object when it held none."""
        if len(self._patterns) != len(self._known):
            self._patterns = [
                _Seed(known) if known.kind is SecretKind.SEED else _Pattern(known) for known in self._known
            ]
        for pattern in self._patterns:
            text = pattern.mask(text)
        return text


class _Pattern:
    """How one secret is found and replaced.

    Letters and digits stay as they are in all ordinary encodings, so the longest run of them is looked for first: that
    is a plain search, and the costly expression runs only where it hits.
    """

    def __init__(self, known: KnownSecret) -> None:
        text = known.secret.reveal()
        self._is_code = known.kind is SecretKind.ONE_TIME_CODE
        self._clue = max(re.findall(r"[A-Za-z0-9]+", text) or [""], key=len)
        body = "".join(any_encoding(character) for character in text)
        self._expression = re.compile(rf"(?<![0-9A-Za-z]){body}(?![0-9A-Za-z])" if self._is_code else body)
        self._base64 = () if self._is_code else tuple(_base64_cores(text.encode()))

    def mask(self, text: str) -> str:
        if len(self._clue) < 3 or self._clue in text:
            text = self._expression.sub(MASK, text)
        for core in self._base64:
            text = _without_core(text, core)
        return text


class _Seed:
    """How a TOTP seed is found and replaced: base32 knows no case, and people write it in groups.

    What both consist of without the characters of gaps is compared first, which is plain and fast.
    """

    def __init__(self, known: KnownSecret) -> None:
        seed = known.secret.reveal().upper()
        self._clue = _telling(seed)
        self._expression = re.compile(_GAP.join(re.escape(character) for character in seed), re.IGNORECASE)
        fours = " ".join(seed[start : start + 4] for start in range(0, len(seed), 4))
        forms = (seed, seed.lower(), fours, fours.lower())
        self._base64 = tuple(dict.fromkeys(core for form in forms for core in _base64_cores(form.encode())))

    def mask(self, text: str) -> str:
        if len(self._clue) < _SHORTEST_CLUE or self._clue in _telling(text):
            text = self._expression.sub(MASK, text)
        for core in self._base64:
            text = _without_core(text, core)
        return text


def _telling(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass").translate(None, _NOT_TELLING).upper()


def _without_core(text: str, core: str) -> str:
    return text.replace(core, (_BASE64_MASK * len(core))[: len(core)]) if core in text else text


def any_encoding(character: str) -> str:
    """A regular expression for one character in any of its encodings."""
    code = ord(character)
    forms = [re.escape(character)]
    if not (character.isalnum() and character.isascii()):
        units = character.encode("utf-16-be").hex()
        forms += [r"\\+" + re.escape(character), f"&#0*{code};", f"&#[xX]0*(?i:{code:x});"]
        forms += ["".join(rf"\\+u(?i:{units[index : index + 4]})" for index in range(0, len(units), 4))]
        forms += ["".join(f"%(?:25)*(?i:{byte:02x})" for byte in character.encode())]
        forms += [f"&(?:amp;)*{name};" for name in _entity_names(character)]
        forms += [r"\+"] if character == " " else []
        forms += [r"\\+" + {"\n": "n", "\t": "t", "\r": "r"}[character]] if character in "\n\t\r" else []
    # Longest first: "&amp;" before "&".
    return f"(?:{'|'.join(sorted(forms, key=len, reverse=True))})"


def _entity_names(character: str) -> list[str]:
    names = ["apos"] if character == "'" else []  # HTML 5; the table is that of HTML 4
    return [*names, codepoint2name[ord(character)]] if ord(character) in codepoint2name else names


def _base64_cores(data: bytes) -> Iterable[str]:
    """What of the base64 of any text that holds ``data`` depends on ``data`` alone, at its three alignments."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + data).decode().rstrip("=")
        # Characters that hold bits of a neighbour are cut off at both ends.
        start = -(-offset * 8 // 6)
        end = (offset + len(data)) * 8 // 6
        core = encoded[start:end]
        yield core
        if "+" in core or "/" in core:
            yield core.replace("+", "-").replace("/", "_")
