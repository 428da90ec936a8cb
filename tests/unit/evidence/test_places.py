"""A secret in whatever artifact, in whatever encoding: the redactor takes it out, and without it the seal fails."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from PIL import Image

from agent.credentials.known import KnownSecrets
from agent.evidence.folder import EvidenceFolder
from agent.evidence.manifest import MANIFEST, versions
from agent.evidence.objects import ObjectStore
from agent.evidence.quarantine import Quarantine
from agent.evidence.redact import redact_entries
from agent.evidence.seal import SealFailed, Withheld, seal, store_trace
from agent.evidence.search import search_bytes
from tests.unit.evidence.stand_in import CODE, PASSWORD

START = {"type": "context-options", "version": 10}
STYLE = "resources/5e0f.css"
BODY = "resources/77aa.json"

#: Forms in which a secret may stand inside a text.
ENCODINGS: dict[str, Callable[[str], str]] = {
    "raw": lambda text: text,
    "url": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "html": html.escape,
    "json": lambda text: json.dumps(text)[1:-1],
    "unicode escapes": lambda text: "".join(f"\\u{ord(letter):04x}" for letter in text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of url": lambda text: base64.b64encode(quote(text, safe="").encode()).decode(),
    "base64 of gzip": lambda text: base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode(),
}
#: Those that only the searcher opens: what no ordinary encoder does to letters, and what is packed twice over.
ONLY_SEARCHED = frozenset({"unicode escapes", "base64 of url", "base64 of gzip"})


def exchange(**parts: Any) -> dict[str, Any]:
    """A request and its answer in a recording."""
    request = {"method": "POST", "url": "http://a.test/", "headers": [], **parts.get("request", {})}
    response = {"status": 200, "headers": [], "content": {"mimeType": "application/json"}, **parts.get("response", {})}
    return {"type": "resource-snapshot", "snapshot": {"request": request, "response": response}}


def answered(name: str, value: str) -> dict[str, Any]:
    """An answer with one header."""
    return exchange(response={"headers": [{"name": name, "value": value}]})


def call(**parts: Any) -> dict[str, Any]:
    """A call in a recording."""
    return {"type": "before", "callId": "call@1", "class": "Frame", "method": "click", "params": {}, **parts}


def page(*nodes: Any) -> dict[str, Any]:
    """A page in a recording."""
    return {"type": "frame-snapshot", "snapshot": {"callId": "call@1", "html": ["HTML", {}, ["BODY", {}, *nodes]]}}


#: Every place of a recording that can hold a text from outside, as the lines and bodies in which it then stands.
IN_A_RECORDING: dict[str, Callable[[str], tuple[list[dict[str, Any]], dict[str, str]]]] = {
    "text of a page": lambda s: ([page(["P", {}, s])], {}),
    "value of a field": lambda s: ([page(["INPUT", {"__playwright_value_": s}])], {}),
    "attribute": lambda s: ([page(["A", {"href": f"/x?note={s}"}])], {}),
    "style of a page": lambda s: ([page(["STYLE", {}, f"/* {s} */"])], {}),
    "argument of a call": lambda s: ([call(params={"selector": "#a", "value": s})], {}),
    "script of a call": lambda s: ([call(params={"expression": f"say('{s}')"})], {}),
    "result of a call": lambda s: ([{"type": "after", "callId": "call@1", "result": {"value": {"s": s}}}], {}),
    "error of a call": lambda s: ([{"type": "after", "callId": "call@1", "error": {"message": f"no {s}"}}], {}),
    "line about a call": lambda s: ([{"type": "log", "callId": "call@1", "message": f'  fill("{s}")'}], {}),
    "console": lambda s: ([{"type": "console", "messageType": "log", "text": s, "args": [{"value": s}]}], {}),
    "dialog": lambda s: ([{"type": "event", "method": "dialog", "params": {"message": f"Is it {s}?"}}], {}),
    "uncaught error": lambda s: ([{"type": "event", "method": "pageError", "params": {"error": {"error": s}}}], {}),
    "address": lambda s: ([exchange(request={"url": f"http://a.test/?q={s}"})], {}),
    "header of a request": lambda s: ([exchange(request={"headers": [{"name": "X-Note", "value": s}]})], {}),
    "header of an answer": lambda s: ([exchange(response={"headers": [{"name": "X-Note", "value": s}]})], {}),
    "value of a cookie that is set": lambda s: ([answered("Set-Cookie", f"note={s}; Path=/")], {}),
    "cookie of an answer": lambda s: ([exchange(response={"cookies": [{"name": "note", "value": s}]})], {}),
    "cookie of a request": lambda s: ([exchange(request={"cookies": [{"name": "note", "value": s}]})], {}),
    "address behind the number sign": lambda s: ([exchange(request={"url": f"http://a.test/p#/note/{s}"})], {}),
    "where an answer leads": lambda s: ([exchange(response={"redirectURL": f"http://a.test/p#{s}"})], {}),
    "page's address": lambda s: (
        [{"type": "frame-snapshot", "snapshot": {"frameUrl": f"http://a.test/#{s}", "html": ["HTML", {}]}}],
        {},
    ),
    "error of a call that quotes what was typed": lambda s: (
        [
            {
                "type": "after",
                "callId": "call@1",
                "error": {
                    "name": "TimeoutError",
                    "message": f'Locator.fill: Timeout\nCall log:\n  - fill("{s}")',
                    "stack": s,
                },
            }
        ],
        {},
    ),
    "frame of a web socket in a line": lambda s: (
        [{"type": "event", "method": "webSocketFrameSent", "params": {"opcode": 1, "data": s}}],
        {},
    ),
    "posted field": lambda s: ([exchange(request={"postData": {"params": [{"name": "note", "value": s}]}})], {}),
    "body": lambda s: (
        [exchange(response={"content": {"mimeType": "application/json", "_file": BODY}})],
        {BODY: f'{{"note":"{s}"}}'},
    ),
    "shared body": lambda s: ([], {STYLE: f"/* {s} */" + "a { color: red }\n" * 100}),
}


def recording(path: Path, lines: list[dict[str, Any]], bodies: dict[str, str]) -> Path:
    """A raw recording."""
    files = {"trace.trace": [START], "trace.network": []}
    for line in lines:
        files["trace.network" if line["type"] == "resource-snapshot" else "trace.trace"].append(line)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, held in files.items():
            archive.writestr(name, "".join(json.dumps(line) + "\n" for line in held))
        for name, text in bodies.items():
            archive.writestr(name, text)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> EvidenceFolder:
    """An evidence folder under way."""
    folder = EvidenceFolder.create(tmp_path / "evidence", "northwind", datetime(2026, 11, 22, tzinfo=UTC), "job-1")
    folder.write_json("request.json", {"job_id": "job-1", "job": {"action": "read"}})
    return folder


@pytest.fixture
def withheld(tmp_path: Path) -> Withheld:
    """With a quarantine beside the evidence."""
    return Withheld(quarantine=Quarantine(tmp_path / "quarantine"))


def sealed(folder: EvidenceFolder, known: KnownSecrets, withheld: Withheld) -> None:
    """Seal; SealFailed as the recorder raises it."""
    at = datetime(2026, 11, 22, 9, tzinfo=UTC)
    seal(folder, known, withheld, job_id="job-1", tenant="n", verdict="done", at=at, made_with=versions())
    withheld.raise_if_any()


@pytest.mark.parametrize("encoding", [name for name in ENCODINGS if name not in ONLY_SEARCHED])
@pytest.mark.parametrize("place", IN_A_RECORDING)
def test_redaction_reaches_every_place(place: str, encoding: str, tmp_path: Path, known: KnownSecrets) -> None:
    """A known secret goes out of every place of a recording, in every encoding that is looked for by value."""
    secret = ENCODINGS[encoding](PASSWORD)
    raw = recording(tmp_path / "raw.zip", *IN_A_RECORDING[place](secret))
    assert search_bytes(raw.read_bytes(), "raw", known), "the searcher should see what is planted"
    for name, data in redact_entries(raw, known).items():
        assert search_bytes(data, name, known) == []


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("place", IN_A_RECORDING)
def test_a_recording_that_was_not_redacted_is_quarantined(
    place: str,
    encoding: str,
    folder: EvidenceFolder,
    known: KnownSecrets,
    withheld: Withheld,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a redactor that does nothing the searcher alone stops each: sealing says so, and keeps none of it."""
    raw = recording(tmp_path / "raw.zip", *IN_A_RECORDING[place](ENCODINGS[encoding](PASSWORD)))
    monkeypatch.setattr("agent.evidence.seal.redact_entries", lambda raw, known, bystanders: entries_of(raw))
    assert not store_trace(folder, "trace.zip", raw, known, withheld)
    with pytest.raises(SealFailed, match="secret was found"):
        sealed(folder, known, withheld)
    assert not (folder.path / "trace.zip").exists()
    assert list(ObjectStore.beside(folder.path).names()) == []
    kept = tmp_path / "quarantine" / "job-1" / "trace.zip"
    assert entries_of(kept) == entries_of(raw)
    assert "trace.zip" in json.loads((folder.path / MANIFEST).read_text())["withheld"]


def picture_with(note: bytes, kind: str) -> bytes:
    """A picture with something in its comment, where a browser or a library could leave it."""
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x9286] = note
    Image.new("RGB", (8, 8)).save(out, format=kind, exif=exif)
    return out.getvalue()


FILES: dict[str, Callable[[bytes], bytes]] = {
    "log.jsonl": lambda s: b'{"event":"note","text":"' + s + b'"}\n',
    "facts.json": lambda s: b'{"own_login":"' + s + b'"}',
    "readings.jsonl.gz": lambda s: gzip.compress(b'{"reading":"list","data":"' + s + b'"}\n'),
    "session.json": lambda s: b'{"state":"' + s + b'"}',
    "plan.json": lambda s: b'{"notes":["' + s + b'"]}',
    "snapshot.csv": lambda s: b"a,b," + s + b"\n",
    "pictures/01-before.webp": lambda s: picture_with(s, "WEBP"),
    "pictures/01-before.jpg": lambda s: picture_with(s, "JPEG"),
    "trace-2.zip": lambda s: zipped("trace.trace", s),
    "attachment.bin": lambda s: bytes(range(256)) + s + bytes(range(256)),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", FILES)
def test_a_file_with_a_secret_is_quarantined(
    name: str, encoding: str, folder: EvidenceFolder, known: KnownSecrets, withheld: Withheld, tmp_path: Path
) -> None:
    """Whatever file of the folder holds one, it is not sealed; it lies where only the agent's user can read it."""
    planted = FILES[name](ENCODINGS[encoding](PASSWORD).encode())
    if name.startswith("pictures") and encoding not in ("raw", "base64", "base64 of gzip", "base64 of url"):
        pytest.skip("the bytes of a picture have no text encodings")
    if name.startswith("pictures") and encoding.startswith("base64 of"):
        pytest.skip("nothing writes that into a picture")
    folder.write_bytes(name, planted)
    with pytest.raises(SealFailed, match="secret was found"):
        sealed(folder, known, withheld)
    assert not (folder.path / name).exists()
    kept = tmp_path / "quarantine" / "job-1" / name.replace("/", "_")
    assert kept.read_bytes() == planted
    assert [path.stat().st_mode & 0o777 for path in (kept.parent.parent, kept.parent, kept)] == [0o700, 0o700, 0o600]
    whole = b"".join(path.read_bytes() for path in folder.files())
    assert search_bytes(whole, "all that is left", known) == []


@pytest.mark.parametrize("name", ["log.jsonl", "facts.json", "readings.jsonl.gz", "snapshot.csv"])
def test_a_recent_code_is_found(name: str, folder: EvidenceFolder, known: KnownSecrets, withheld: Withheld) -> None:
    """A one-time code that was typed in this run counts, too."""
    folder.write_bytes(name, FILES[name](CODE.encode()))
    with pytest.raises(SealFailed):
        sealed(folder, known, withheld)


def test_without_a_quarantine_it_is_deleted(folder: EvidenceFolder, known: KnownSecrets) -> None:
    """Who wants no such folder has none."""
    folder.write_text("facts.json", PASSWORD)
    with pytest.raises(SealFailed):
        sealed(folder, known, Withheld())
    assert not (folder.path / "facts.json").exists()


@pytest.mark.parametrize(
    "entry", ["screencast/page-1-1.jpeg", "screenshots/1.png", "aria/1.yml", "src/agent.py", "network.har", "0-trace.x"]
)
def test_parts_that_we_do_not_record_are_refused(
    entry: str, folder: EvidenceFolder, known: KnownSecrets, withheld: Withheld, tmp_path: Path
) -> None:
    """Pictures of the screen, sources, HAR: nobody has looked where secrets are in them, so they are not kept."""
    raw = recording(tmp_path / "raw.zip", [], {entry: "anything"})
    assert not store_trace(folder, "trace.zip", raw, known, withheld)
    with pytest.raises(SealFailed, match="could not be made free of secrets"):
        sealed(folder, known, withheld)
    assert (tmp_path / "quarantine" / "job-1" / "trace.zip").read_bytes() == raw.read_bytes()


@pytest.mark.parametrize("kind", ["screencast-frame", "screenshot", "aria-snapshot", "something-new"])
def test_lines_that_we_do_not_record_are_refused(
    kind: str, folder: EvidenceFolder, known: KnownSecrets, withheld: Withheld, tmp_path: Path
) -> None:
    """The same for lines of a kind that we do not ask for."""
    raw = recording(tmp_path / "raw.zip", [{"type": kind}], {})
    assert not store_trace(folder, "trace.zip", raw, known, withheld)
    assert "not recorded by us" in withheld.reasons["trace.zip"]


def test_quarantine_is_emptied(tmp_path: Path) -> None:
    """After its days an artifact goes; a younger one stays."""
    quarantine = Quarantine(tmp_path / "q")
    quarantine.keep("job-1", "a.zip", b"x", "why")
    made = (tmp_path / "q" / "job-1").stat().st_mtime
    assert quarantine.empty(14, now=made + 13 * 86_400) == 0
    assert quarantine.empty(14, now=made + 15 * 86_400) == 1
    assert not (tmp_path / "q" / "job-1").exists()


def entries_of(path: Path) -> dict[str, bytes]:
    """What stands in a zip."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(name: str, data: bytes) -> bytes:
    """A zip with one entry."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    "line",
    [
        exchange(response={"headers": [{"name": "set-cookie", "value": "theme=never-seen-4711; Path=/"}]}),
        exchange(response={"headers": [{"name": "X-CSRF-Token", "value": "never-seen-4711"}]}),
        exchange(response={"headers": [{"name": "X-Auth-Token", "value": "never-seen-4711"}]}),
        exchange(request={"headers": [{"name": "Cookie", "value": "theme=never-seen-4711"}]}),
        exchange(request={"headers": [{"name": "X-Api-Key", "value": "never-seen-4711"}]}),
        exchange(request={"cookies": [{"name": "theme", "value": "never-seen-4711"}]}),
        exchange(response={"cookies": [{"name": "theme", "value": "never-seen-4711"}]}),
        exchange(request={"url": "http://a.test/in#access_token=never-seen-4711&x=1"}),
        exchange(response={"redirectURL": "http://a.test/in#id_token=never-seen-4711"}),
        exchange(response={"headers": [{"name": "Location", "value": "http://a.test/in#code=never-seen-4711"}]}),
    ],
)
def test_what_is_a_secret_by_its_place_goes_unseen(line: dict[str, Any], tmp_path: Path) -> None:
    """Headers, cookies and what stands behind the number sign of an address: without any knowledge of the value."""
    raw = recording(tmp_path / "raw.zip", [line], {})
    for data in redact_entries(raw, KnownSecrets()).values():
        assert b"never-seen-4711" not in data


def test_a_har_line_of_a_web_socket_is_kept_without_the_known(tmp_path: Path, known: KnownSecrets) -> None:
    """Frames of web sockets as HAR has them; text and base64."""
    for secret in (PASSWORD, base64.b64encode(PASSWORD.encode()).decode()):
        line = exchange()
        line["snapshot"]["_webSocketMessages"] = [{"type": "send", "time": 1, "opcode": 1, "data": secret}]
        raw = recording(tmp_path / "raw.zip", [line], {})
        assert search_bytes(raw.read_bytes(), "raw", known), "the searcher should see what is planted"
        for name, data in redact_entries(raw, known).items():
            assert search_bytes(data, name, known) == []
