"""A recording of a whole sign-in, redacted: no secret left, still a recording that Playwright opens."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext

from agent.credentials.known import KnownSecrets
from agent.evidence.raw_recording import TraceNotUnderstood
from agent.evidence.redact import redact_trace
from agent.evidence.search import search_bytes
from agent.evidence.sensitive import is_sensitive_name, mask_form, mask_json_body, mask_multipart, mask_text
from agent.evidence.tracing import JobTrace
from tests.unit.evidence.stand_in import CODE, COOKIE, FORM_TOKEN, META_TOKEN, PASSWORD

TICKET = "ticket-in-the-address-55"


@pytest.fixture
async def recording(context: BrowserContext, traces_dir: Path, site: str, tmp_path: Path) -> Path:
    """The raw zip of a recording that holds all that a recording can leak."""
    trace = JobTrace(context, traces_dir, f"redact-{tmp_path.name}")
    await trace.start()
    page = await context.new_page()
    await page.goto(f"{site}/sign_in?redirect=/a")
    await page.get_by_label("Email").fill("admin@example.com")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_label("Code").press_sequentially(CODE)
    assert await page.locator("#password").input_value() == PASSWORD
    await page.evaluate("(given) => [given.password, document.cookie]", {"password": PASSWORD, "token": META_TOKEN})
    await page.get_by_role("button", name="Log In").click()
    await page.get_by_label("Job Title").fill("Site Engineer")
    await page.evaluate(
        "(value) => fetch('/api', {method: 'POST', headers: {'X-CSRF-Token': value[0], 'content-type': "
        "'application/json'}, body: JSON.stringify({password: value[1]})}).then((answer) => answer.text())",
        [META_TOKEN, PASSWORD],
    )
    await context.storage_state()
    await context.add_cookies([{"name": "session", "value": COOKIE, "url": site}])
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("status").wait_for()
    raw = await trace.stop()
    assert raw is not None
    return raw


def lines(data: bytes) -> Iterator[dict[str, Any]]:
    """The lines of trace.trace."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for line in archive.read("trace.trace").decode().split("\n"):
            if line:
                yield json.loads(line)


def nodes(html: Any) -> int:
    """How many nodes a snapshot has, the way references count them."""
    if isinstance(html, str):
        return 1
    if isinstance(html, list) and html and isinstance(html[0], str):
        return 1 + sum(nodes(child) for child in html[2:])
    return 0


async def test_no_secret_is_left(recording: Path, known: KnownSecrets) -> None:
    """Neither what is known by value nor what is secret by its place survives; raw, all of it was there."""
    raw, redacted = raw_bytes(recording), redact_trace(recording, known)
    assert {finding.label for finding in search_bytes(raw, "raw", known)} >= {
        item.label for item in known if "seed" not in item.label
    }
    assert search_bytes(redacted, "redacted", known) == []
    for secret in (COOKIE, FORM_TOKEN, META_TOKEN, TICKET):
        assert contains(raw, secret), f"{secret} should be in the raw recording"
        assert not contains(redacted, secret), f"{secret} is left"


async def test_secrets_by_place_need_not_be_known(recording: Path) -> None:
    """With an empty list of known secrets, code, cookie and tokens of pages, forms and headers go all the same.

    Only what a script was handed is beyond that, which is why values are looked for as well.
    """
    redacted = redact_trace(recording, KnownSecrets())
    for secret in (CODE, COOKIE, FORM_TOKEN, META_TOKEN, TICKET):
        assert not contains(redacted, secret), f"{secret} is left"
    fills = [line for line in lines(redacted) if line.get("method") in {"fill", "type"}]
    assert {line["params"].get("value", line["params"].get("text")) for line in fills} == {
        "admin@example.com",
        "***",
        "Site Engineer",
    }


async def test_what_was_sent_otherwise_is_kept(recording: Path, known: KnownSecrets) -> None:
    """The recording still shows which fields were sent with which values: that is what it is for."""
    redacted = redact_trace(recording, known)
    assert contains(redacted, "user%5Bjob_title%5D=Site+Engineer")
    assert contains(redacted, "admin@example.com")
    assert contains(redacted, "user[state_code]")


async def test_nodes_and_lines_stay_as_many(recording: Path, known: KnownSecrets) -> None:
    """Snapshots refer to each other by counting nodes; one node less would show a wrong page."""
    before, after = list(lines(raw_bytes(recording))), list(lines(redact_trace(recording, known)))
    assert [line["type"] for line in before] == [line["type"] for line in after]
    for one, other in zip(before, after, strict=True):
        if one["type"] == "frame-snapshot":
            assert nodes(one["snapshot"]["html"]) == nodes(other["snapshot"]["html"])


async def test_a_long_script_is_kept_once(
    context: BrowserContext, traces_dir: Path, site: str, known: KnownSecrets
) -> None:
    """Reading a page runs the same long script again and again; the recording keeps it at its first call."""
    trace = JobTrace(context, traces_dir, "redact-scripts")
    await trace.start()
    page = await context.new_page()
    await page.goto(f"{site}/person")
    script = "() => { " + "/* reads the page */ " * 30 + "return 1 }"
    for _ in range(3):
        assert await page.evaluate(script) == 1
    raw = await trace.stop()
    assert raw is not None
    given = [
        line["params"]["expression"]
        for line in lines(redact_trace(raw, known))
        if "Expression" in line.get("method", "")
    ]
    assert given[0] == script
    assert [text.startswith("/* the same script as in call ") for text in given[:3]] == [False, True, True]


async def test_same_input_gives_same_bytes(recording: Path, known: KnownSecrets) -> None:
    """Redaction has no clock and no chance in it."""
    assert redact_trace(recording, known) == redact_trace(recording, known)


async def test_no_path_of_this_machine_is_left(
    recording: Path, known: KnownSecrets, context: BrowserContext, site: str, tmp_path: Path
) -> None:
    """Playwright notes from which line of our source each call came, and packs that into recordings of its own."""
    here = str(Path(__file__).parent)
    await context.tracing.start(snapshots=True)
    await (await context.new_page()).goto(f"{site}/person")
    await context.tracing.stop(path=tmp_path / "own.zip")
    assert contains((tmp_path / "own.zip").read_bytes(), here)
    assert not contains(redact_trace(recording, known), here)


async def test_playwright_opens_it(recording: Path, known: KnownSecrets, tmp_path: Path) -> None:
    """Playwright's own command line lists the actions of the redacted recording."""
    (tmp_path / "trace.zip").write_bytes(redact_trace(recording, known))
    (tmp_path / "work").mkdir()
    opened = run_playwright(tmp_path / "work", "open", str(tmp_path / "trace.zip"))
    actions = run_playwright(tmp_path / "work", "actions")
    run_playwright(tmp_path / "work", "close")
    assert opened.returncode == 0, opened.stderr
    assert "Fill" in actions.stdout
    assert PASSWORD not in actions.stdout


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ({"trace.trace": b'{"type":"context-options","version":11}\n'}, "format"),
        ({"trace.trace": b'{"type":"before"}\n'}, "format"),
        ({"trace.trace": b'{"type":"context-options","version":10}\n{torn'}, "not JSON"),
        ({}, "format"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, entries: dict[str, bytes], why: str) -> None:
    """A later format may keep secrets elsewhere: it is not passed through."""
    with zipfile.ZipFile(tmp_path / "raw.zip", "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    with pytest.raises(TraceNotUnderstood, match=why):
        redact_trace(tmp_path / "raw.zip", KnownSecrets())


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    """A torn file is not a recording."""
    (tmp_path / "raw.zip").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(TraceNotUnderstood, match="whole zip"):
        redact_trace(tmp_path / "raw.zip", KnownSecrets())


@pytest.mark.parametrize(
    "name",
    ["password", "user[password]", "authenticity_token", "Cookie", "Set-Cookie", "X-CSRF-Token", "Authorization",
     "code", "access_token", "user[password_confirmation]", "totp", "csrf-token", "X-Api-Key", "new_password"],
)  # fmt: skip
def test_names_that_carry_secrets(name: str) -> None:
    """Fields, headers and parameters that are masked whatever their value."""
    assert is_sensitive_name(name)


@pytest.mark.parametrize(
    "name",
    ["email", "user[state_code]", "user[country_code]", "vendor_id", "country_code", "first_name", "csrf-param", "q"],
)
def test_names_that_do_not(name: str) -> None:
    """Ordinary fields are evidence and stay."""
    assert not is_sensitive_name(name)


def test_bodies_by_kind() -> None:
    """Forms, multipart forms, JSON and markup are masked by their own rules."""
    assert mask_form("a=1&user%5Bpassword%5D=x&a=2") == "a=1&user%5Bpassword%5D=%2A%2A%2A&a=2"
    part = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\nvalue\r\n--b--'
    assert "value" not in mask_multipart(part.format("password"))
    assert "value" in mask_multipart(part.format("title"))
    assert mask_json_body('{"a":[{"token":"x","b":1}]}') == '{"a":[{"token":"***","b":1}]}'
    assert mask_text("<INPUT value='x y' type=password>") == '<INPUT value="***" type=password>'
    assert mask_text('<meta content="x" name="csrf-token">') == '<meta content="***" name="csrf-token">'
    assert mask_text("https://a.test/b?ticket=x&c=d") == "https://a.test/b?ticket=***&c=d"


def run_playwright(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """``playwright trace ...`` in a folder of its own, where it keeps its state."""
    return subprocess.run(
        [sys.executable, "-m", "playwright", "trace", *words], cwd=folder, capture_output=True, text=True, timeout=60
    )


def raw_bytes(recording: Path) -> bytes:
    """The recording as Playwright made it."""
    return recording.read_bytes()


def contains(data: bytes, text: str) -> bool:
    """A plain search through every entry of a zip, written for this test alone."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return any(text.encode() in archive.read(name) for name in archive.namelist())
