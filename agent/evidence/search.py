"""Looks for secrets in every byte of a folder; the last word before evidence is sealed.

Shares no code and no idea with ``masking``: that one knows how a secret may be *encoded*, this one *decodes* whatever
it finds (zip in zip, gzip, zlib, base64, percent, HTML, JSON, two layers deep) and looks for the plain secret. Base64
is searched for in encoded form besides, since a secret may stand in the middle of it. A mistake in one of the two is
caught by the other.
"""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote_to_bytes

from agent.credentials.known import KnownSecret, SecretKind

IN_A_NAME = "the name of a file"  # the path of a finding that must not be named itself

_DEEPEST = 4
_LARGEST = 200 * 1024 * 1024  # bytes out of one archive entry: a bomb is not evidence
_SHORTEST_BASE64 = 8  # four characters would be found by accident in any larger file
_PICTURES = re.compile(rb"\xff\xd8\xff|\x89PNG|RIFF....WEBP", re.DOTALL)
_ZLIB = (b"x\x01", b"x\x9c", b"x\xda")
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")  # a shorter one can hold no secret together with an encoding
_PACKED_IN_BASE64 = (b"H4s", b"UEs", b"eJ", b"eAE", b"eNo")  # how gzip, zip and zlib begin
_LONGEST_PATH = 400  # bytes of an address before the base64 that ends it
_TO_ONE_ALPHABET = bytes.maketrans(b"-_", b"+/")
_TWO_ALPHABETS = re.compile(rb"[+/]")
_NOT_OF_A_SEED = bytes(byte for byte in range(256) if not (chr(byte).isascii() and chr(byte).isalnum()))
_UNICODE_ESCAPE = re.compile(rb"(?:\\u[0-9a-fA-F]{4})+")


@dataclass(frozen=True)
class Finding:
    """A secret that stands where it must not; tells the place and which secret, never the secret itself."""

    path: str  # relative to the folder searched; "trace.zip > trace.trace" inside archives
    label: str
    how: str
    file: str = field(default="", repr=False)  # the file to take out; its name may be what holds the secret

    def __str__(self) -> str:
        return f"{self.label} in {self.path} ({self.how})"


def search_folder(folder: Path, secrets: Iterable[KnownSecret], already_searched: Container[str] = ()) -> list[Finding]:
    """Every place below ``folder`` (names of files included) where a secret stands.

    Of files that were ``already_searched`` for the same secrets only the names are looked at.
    """
    needles = [_Needle(secret) for secret in secrets]
    found: list[Finding] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        in_name = list(_search_text(path.name.encode(), IN_A_NAME, needles))
        found += [replace(finding, file=name) for finding in in_name]
        if name not in already_searched and path.is_file() and not path.is_symlink():
            shown = "a file with a secret in its name" if in_name else name
            found += [replace(finding, file=name) for finding in _search(path.read_bytes(), shown, needles, 0)]
    return found


def search_bytes(data: bytes, name: str, secrets: Iterable[KnownSecret]) -> list[Finding]:
    """Every place in ``data`` where a secret stands; ``name`` is what the findings call it."""
    return list(_search(data, name, [_Needle(secret) for secret in secrets], 0))


class _Needle:
    def __init__(self, known: KnownSecret) -> None:
        self.label = known.label
        text = known.secret.reveal()
        self._bytes = (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be"))
        self.seed = text.upper().encode() if known.kind is SecretKind.SEED else b""
        self.has_lines = "\n" in text
        self._alone: re.Pattern[bytes] | None = None
        self._in_base64: tuple[bytes, ...] = ()
        self._in_either_base64: tuple[re.Pattern[bytes], ...] = ()
        if known.kind is SecretKind.ONE_TIME_CODE:
            self._alone = re.compile(rb"(?<![0-9A-Za-z.])" + re.escape(text.encode()) + rb"(?![0-9A-Za-z])")
        else:
            spellings = dict.fromkeys((text, text.upper(), text.lower()) if self.seed else (text,))
            forms = tuple(form for spelling in spellings for form in _base64_forms(spelling.encode()))
            self._in_base64 = tuple(form for form in forms if not _TWO_ALPHABETS.search(form))
            self._in_either_base64 = tuple(_either(form) for form in forms if _TWO_ALPHABETS.search(form))

    def stands_in(self, data: bytes) -> bool:
        if self._bytes[0] in data:
            return self._alone is None or self._alone.search(data) is not None
        return self._alone is None and any(form in data for form in self._bytes[1:])

    def stands_in_base64(self, data: bytes) -> bool:
        # A plain search is eight times as fast as an expression, which only the forms with + or / need.
        return any(form in data for form in self._in_base64) or any(
            form.search(data) for form in self._in_either_base64
        )


def _standing(data: bytes, needles: list[_Needle]) -> Iterator[_Needle]:
    """The needles that stand in this text, in order.

    Seeds are looked for in what is left of it when all but letters and digits is dropped: base32 knows no case, and
    groups of four are how people read it out.
    """
    bare: bytes | None = None
    for needle in needles:
        if needle.seed and bare is None:
            bare = data.translate(None, _NOT_OF_A_SEED).upper()
        if needle.stands_in(data) or (needle.seed and bare is not None and needle.seed in bare):
            yield needle


def _base64_forms(text: bytes) -> Iterator[bytes]:
    """What the base64 of anything that holds ``text`` holds, one for each way it can fall on the groups of three."""
    for before in range(3):
        padded = b"\0" * before + text
        whole = len(padded) // 3 * 3
        # Whole groups only; the first is left out when it holds foreign bytes. Two groups are left of any password.
        core = base64.b64encode(padded[3 if before else 0 : whole])
        if len(core) >= _SHORTEST_BASE64:
            yield core


def _either(form: bytes) -> re.Pattern[bytes]:
    """The form in the ordinary alphabet of base64 or in the one for addresses."""
    return re.compile(re.escape(form).replace(rb"\+", b"[-+]").replace(b"/", b"[_/]"))


def _search(data: bytes, name: str, needles: list[_Needle], depth: int) -> Iterator[Finding]:
    if depth < _DEEPEST and zipfile.is_zipfile(io.BytesIO(data)):
        yield from _search_plain(data, name, needles)
        yield from _search_archive(data, name, needles, depth)
    elif depth < _DEEPEST and data[:2] == b"\x1f\x8b":
        yield from _search_plain(data, name, needles)
        opened = _unzipped(data)
        if opened is not None:
            yield from _search(opened, f"{name} > gzip", needles, depth + 1)
    elif depth < _DEEPEST and data[:2] in _ZLIB and (opened := _inflated(data)) is not None:
        yield from _search_plain(data, name, needles)
        yield from _search(opened, f"{name} > zlib", needles, depth + 1)
    else:
        yield from _search_text(data, name, needles)
        if depth < _DEEPEST and not _PICTURES.match(data):
            yield from _search_base64(data, name, needles, depth)


def _search_base64(data: bytes, name: str, needles: list[_Needle], depth: int) -> Iterator[Finding]:
    """What long runs of base64 hold: archives and compressed data are opened, texts have one more layer taken off."""
    texts = []
    for run in dict.fromkeys(_BASE64_RUN.findall(data)):  # ids stand in a recording again and again
        for letters in _starts(run):
            decoded = base64.b64decode(letters[: len(letters) // 4 * 4] + _rest_of(letters))
            if _PICTURES.match(decoded):
                break  # what follows is the picture's own
            if decoded[:2] in (*_ZLIB, b"\x1f\x8b", b"PK"):
                yield from _search(decoded, f"{name} > base64", needles, depth + 1)
            else:
                texts.append(decoded)
    whole = b"\n".join(texts)
    for text, how in [(whole, "base64"), *((decode(whole), f"base64, {way}") for way, decode in _DECODERS.items())]:
        for needle in _standing(text, needles):
            yield Finding(name, needle.label, how)


def _starts(run: bytes) -> Iterator[bytes]:
    """The run, and what of it follows a slash out of step: base64 at the end of an address begins there."""
    letters = run.rstrip(b"=").translate(_TO_ONE_ALPHABET)
    starts = {0: 0}  # by their place in a group of four: the first of each
    packed = set()
    for at in (at + 1 for at, byte in enumerate(run[:_LONGEST_PATH]) if byte == ord("/")):
        starts.setdefault(at % 4, at)
        if letters.startswith(_PACKED_IN_BASE64, at):
            packed.add(at)
    for start in sorted(packed.union(starts.values())):
        yield letters[start:]


def _rest_of(letters: bytes) -> bytes:
    """The last letters of a run, filled up; a single one says nothing."""
    rest = letters[len(letters) // 4 * 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


def _search_archive(data: bytes, name: str, needles: list[_Needle], depth: int) -> Iterator[Finding]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        yield from _search_text(archive.comment, f"the comment of {name}", needles)
        for entry in archive.infolist():
            in_name = list(_search_text(entry.filename.encode(), f"the name of an entry of {name}", needles))
            yield from in_name
            where = f"{name} > {'an entry with a secret in its name' if in_name else entry.filename}"
            yield from _search_text(entry.comment + entry.extra, f"the comment of {where}", needles)
            if entry.file_size > _LARGEST:
                yield Finding(where, "anything", "too large to be searched")
            else:
                yield from _search(archive.read(entry), where, needles, depth + 1)


def _unzipped(data: bytes) -> bytes | None:
    try:
        with gzip.open(io.BytesIO(data)) as file:
            return file.read(_LARGEST)
    except (OSError, EOFError, zlib.error):
        return None


def _inflated(data: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(data, _LARGEST)
    except zlib.error:
        return None


def _search_plain(data: bytes, name: str, needles: list[_Needle]) -> Iterator[Finding]:
    standing = set(_standing(data, needles))
    for needle in needles:
        if needle in standing:
            yield Finding(name, needle.label, "as it is")
        elif needle.stands_in_base64(data):
            yield Finding(name, needle.label, "in base64")


def _search_text(data: bytes, name: str, needles: list[_Needle]) -> Iterator[Finding]:
    """As it is, and with one and two layers of text encodings taken off, in every order. Pictures have no layers.

    Encodings are taken off line by line, since most lines hold few of them: only what a first one has changed is given
    to a second one, the rest was seen under the second one alone. A seed that is broken over several lines, of which
    some bear two encodings and others none, is the one thing not put together.
    """
    yield from _search_plain(data, name, needles)
    if _PICTURES.match(data):
        return
    lines = [data] if any(needle.has_lines for needle in needles) else data.split(b"\n")
    done: set[bytes] = set(lines)
    layer: list[tuple[str, list[bytes]]] = [("", lines)]
    for _ in range(2):
        deeper: list[tuple[str, list[bytes]]] = []
        for how, texts in layer:
            for decoding, decode in _DECODERS.items():
                decoded = [decode(text) for text in texts]
                fresh = [text for text in dict.fromkeys(decoded) if text not in done]
                if not fresh:
                    continue
                done.update(fresh)
                way = f"{how}, {decoding}" if how else decoding
                whole = b"\n".join(decoded)
                standing = set(_standing(whole, needles))
                for needle in needles:
                    if needle in standing or needle.stands_in_base64(whole):
                        yield Finding(name, needle.label, way)
                deeper.append((way, fresh))
        layer = deeper


def _from_percent(data: bytes) -> bytes:
    return unquote_to_bytes(data) if b"%" in data else data


def _from_form(data: bytes) -> bytes:
    return _from_percent(data.replace(b"+", b" ")) if b"%" in data or b"+" in data else data


_PLAIN_REFERENCES = ((b"&quot;", b'"'), (b"&lt;", b"<"), (b"&gt;", b">"), (b"&#39;", b"'"), (b"&#x27;", b"'"))
_OTHER_REFERENCE = re.compile(rb"&(?!amp;)(?:#\w|[A-Za-z][A-Za-z0-9]*;)")


def _from_html(data: bytes) -> bytes:
    """References resolved; by plain replacements where only the ordinary ones stand in the text."""
    if b"&" not in data:
        return data
    for reference, plain in _PLAIN_REFERENCES:
        data = data.replace(reference, plain)
    if _OTHER_REFERENCE.search(data):
        return html.unescape(data.decode("utf-8", "surrogateescape")).encode("utf-8", "replace")
    return data.replace(b"&amp;", b"&")


_BACKSLASH = b"\0"  # stands for an escaped backslash meanwhile; text has no such byte
_PLAIN_ESCAPES = ((b'\\"', b'"'), (b"\\/", b"/"), (b"\\n", b"\n"), (b"\\t", b"\t"), (b"\\r", b"\r"), (b"\\'", b"'"))


def _from_json(data: bytes) -> bytes:
    """One level of JSON escapes taken off; by plain replacements, which are ten times as fast as an expression."""
    if b"\\" not in data:
        return data
    data = data.replace(b"\\\\", _BACKSLASH)
    for escaped, plain in _PLAIN_ESCAPES:
        data = data.replace(escaped, plain)
    if b"\\u" in data:
        data = _UNICODE_ESCAPE.sub(_from_unicode_escapes, data)
    return data.replace(_BACKSLASH, b"\\")


def _from_unicode_escapes(found: re.Match[bytes]) -> bytes:
    return str(json.loads(b'"' + found.group(0) + b'"')).encode("utf-8", "replace")


_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "percent-encoded": _from_percent,
    "form-encoded": _from_form,
    "HTML entities": _from_html,
    "JSON escapes": _from_json,
}
