"""The searcher sees a planted secret in every place, and nothing where there is none."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from agent.credentials.known import KnownSecrets, SecretKind
from agent.credentials.secret import Secret
from agent.evidence.search import search_folder
from tests.unit.evidence.stand_in import CODE, PASSWORD


def zipped(name: str, data: bytes, comment: bytes = b"") -> bytes:
    """A zip with one entry."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
        archive.comment = comment
    return buffer.getvalue()


RAW = PASSWORD.encode()
PLACES: dict[str, bytes] = {
    "as it is": b"x" + RAW + b"y",
    "utf-16": PASSWORD.encode("utf-16-le"),
    "json": json.dumps({"a": PASSWORD}).encode(),
    "json in json": json.dumps(json.dumps({"a": PASSWORD})).encode(),
    "percent": quote(PASSWORD, safe="").encode(),
    "percent of every character": "".join(f"%{byte:02x}" for byte in RAW).encode(),
    "form": b"user=a&password=" + quote_plus(PASSWORD).encode(),
    "html": html.escape(PASSWORD).encode(),
    "html in json": json.dumps("<input value='" + html.escape(PASSWORD) + "'>").encode(),
    "unicode escapes of every character": "".join(f"\\u{ord(c):04x}" for c in PASSWORD).encode(),
    "base64": base64.b64encode(b"user:" + RAW),
    "base64 of one more byte": base64.b64encode(b"user1:" + RAW),
    "base64 of two more bytes": base64.b64encode(b"user12:" + RAW),
    "base64 for urls": base64.urlsafe_b64encode(b"user:" + RAW),
    "gzip": gzip.compress(b"a lot of text " * 20 + RAW),
    "zip": zipped("trace.trace", b"{}\n" + RAW),
    "zip in zip": zipped("inner.zip", zipped("deep.txt", quote(PASSWORD).encode())),
    "gzip in zip": zipped("body.dat", gzip.compress(RAW)),
    "zip entry's name": zipped(quote(PASSWORD, safe=""), b""),
    "zip comment": zipped("a", b"", comment=RAW),
}


@pytest.mark.parametrize("place", PLACES)
def test_planted_password_is_seen(place: str, tmp_path: Path, known: KnownSecrets) -> None:
    """A password planted anywhere is found, and the finding names the file and not the password."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "innocent.bin").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "planted.bin").write_bytes(PLACES[place])
    findings = search_folder(tmp_path, known)
    assert findings
    assert {finding.file for finding in findings} == {"planted.bin"}
    assert PASSWORD not in str(findings)


def test_planted_file_name_is_seen(tmp_path: Path, known: KnownSecrets) -> None:
    """A file that is called like a secret is found, too, and the finding does not spell it out."""
    (tmp_path / f"{CODE}.txt").write_text("")
    (finding,) = search_folder(tmp_path, known)
    assert finding.file == f"{CODE}.txt"
    assert CODE not in f"{finding} {finding!r}"


@pytest.mark.parametrize("text", [f'"code":"{CODE}"', f"code={CODE}&x=1", f">{CODE}<", f"code {CODE}.", CODE])
def test_code_standing_alone_is_seen(text: str, tmp_path: Path, known: KnownSecrets) -> None:
    """A one-time code that stands by itself is a leak."""
    (tmp_path / "log.jsonl").write_text(text)
    assert search_folder(tmp_path, known)


@pytest.mark.parametrize("text", [f"id 55{CODE}", f"{CODE}99", f"0.{CODE}", f"a{CODE}b"])
def test_code_inside_a_longer_number_is_not(text: str, tmp_path: Path, known: KnownSecrets) -> None:
    """Six digits of an id or a measurement are not."""
    (tmp_path / "log.jsonl").write_text(text)
    assert search_folder(tmp_path, known) == []


def test_clean_folder_has_no_findings(tmp_path: Path, known: KnownSecrets) -> None:
    """No false alarm on ordinary evidence."""
    (tmp_path / "a.json").write_text(json.dumps({"name": "Mara", "mask": "***", "note": "50% & more + <b>"}))
    (tmp_path / "b.zip").write_bytes(zipped("x", b"nothing \\u0041 %41"))
    (tmp_path / "not-a.zip").write_bytes(b"\x1f\x8b but no gzip")
    assert search_folder(tmp_path, known) == []


def test_damaged_archives_do_not_stop_the_search(tmp_path: Path, known: KnownSecrets) -> None:
    """A torn zip is searched as bytes, and the rest of the folder is searched all the same."""
    (tmp_path / "a-torn.zip").write_bytes(zipped("x", b"hello")[:-9])
    (tmp_path / "b.txt").write_bytes(RAW)
    assert {finding.path for finding in search_folder(tmp_path, known)} == {"b.txt"}


def test_a_picture_in_base64_does_not_end_the_search(tmp_path: Path, known: KnownSecrets) -> None:
    """What follows a picture's own run of base64, as in a report, is decoded like any other; so is an encoded secret
    whose run stands there twice."""
    picture = b"data:image/jpeg;base64," + base64.b64encode(b"\xff\xd8\xff" + bytes(range(256)) * 40)
    hidden = base64.b64encode(b"user:" + quote(PASSWORD, safe="").encode())
    (tmp_path / "report.html").write_bytes(b'<img src="' + picture + b'"> ' + hidden + b" and " + hidden)
    assert "base64, percent-encoded" in {finding.how for finding in search_folder(tmp_path, known)}


def test_two_encodings_are_taken_off_where_other_lines_bear_one(tmp_path: Path, known: KnownSecrets) -> None:
    """Only what the first encoding has changed is looked at under the second: the one line that needs both is seen."""
    lines = ['{"a": "quoted \\"words\\""}', "plain", "a%20path&amp;more", json.dumps(quote(html.escape(PASSWORD)))]
    (tmp_path / "trace.trace").write_text("\n".join(lines * 3))
    assert {finding.how for finding in search_folder(tmp_path, known)} >= {"percent-encoded, HTML entities"}


def test_a_secret_of_several_lines_is_seen_in_two_encodings(tmp_path: Path) -> None:
    """A key in a file, say: then nothing is taken apart at the ends of lines."""
    key, secrets = "-----BEGIN/KEY\nAA=BB\n-----END", KnownSecrets()
    secrets.add("key", Secret(key))
    (tmp_path / "a").write_text(f"x\n{key.replace('=', '&#37;3D').replace('/', '&#37;2F')}\ny")
    assert [finding.how for finding in search_folder(tmp_path, secrets)] == ["HTML entities, percent-encoded"]


def test_search_is_quick_on_a_megabyte(
    tmp_path: Path, known: KnownSecrets, benchmark_seconds: Callable[[], float]
) -> None:
    """Sealing must not keep a job waiting: a megabyte of ordinary markup is searched in well under two seconds."""
    line = '{"html":["DIV",{"class":"a b"},"text &amp; more \\"quoted\\" %20 words"]}\n'
    (tmp_path / "trace.trace").write_text(line * (1_000_000 // len(line)))
    begin = benchmark_seconds()
    assert search_folder(tmp_path, known) == []
    assert benchmark_seconds() - begin < 2.0


@pytest.fixture
def benchmark_seconds() -> Callable[[], float]:
    """CPU time of this process: other processes on the machine do not count."""
    return time.process_time


def test_short_secrets_are_not_looked_for_in_base64(tmp_path: Path) -> None:
    """Four characters of base64 would be found by accident in any picture."""
    secrets = KnownSecrets()
    secrets.add("code", Secret("123456"), SecretKind.ONE_TIME_CODE)
    (tmp_path / "a").write_bytes(base64.b64encode(b"123456"))
    assert search_folder(tmp_path, secrets) == []
