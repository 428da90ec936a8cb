"""The sandbox as a process: two names on one port, cut connections, state that survives, a clean end."""

from __future__ import annotations

import contextlib
import json
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest

from fixtures.running import RunningSandbox
from fixtures.sandbox.seed import SERVICE_ACCOUNT

from .conftest import action_of, token_of

ROOT = Path(__file__).parents[3]
PATIENCE = 30


@dataclass
class Process:
    """A running sandbox."""

    popen: subprocess.Popen[str]
    origins: dict[str, str]

    def control(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Ask the control plane."""
        return httpx.request(method, self.origins["control"] + path, json=body, timeout=PATIENCE)

    def stop(self) -> int:
        """Ask it to end, and wait."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(PATIENCE)


class Named(httpx.BaseTransport):
    """Connects every name to loopback, as Chromium does for *.localhost by itself."""

    def __init__(self) -> None:
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send to 127.0.0.1 with the name in the Host header."""
        address = request.url.copy_with(host="127.0.0.1")
        sent = httpx.Request(
            request.method, address, headers=request.headers, stream=request.stream, extensions=request.extensions
        )
        return self._inner.handle_request(sent)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


@contextlib.contextmanager
def sandbox(*arguments: str) -> Iterator[Process]:
    """Start `python -m fixtures.sandbox` on free ports, and end it."""
    command = [sys.executable, "-m", "fixtures.sandbox", "--people", "20", "--no-delays", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as popen:
        try:
            assert popen.stdout is not None
            ready, _, _ = select.select([popen.stdout], [], [], PATIENCE)
            assert ready, "the sandbox did not get ready"
            yield Process(popen, json.loads(popen.stdout.readline()))
        finally:
            popen.kill()


@pytest.fixture(scope="module")
def running() -> Iterator[Process]:
    """One sandbox for the tests that do not stop it."""
    with sandbox() as process:
        yield process


@pytest.fixture
def signed_in(running: Process) -> Iterator[httpx.Client]:
    """The service account, signed in over real sockets after a reset."""
    running.control("POST", "/reset", {})
    entries = running.control("GET", "/credentials").json()
    known = {entry["email"]: entry for entry in entries}[SERVICE_ACCOUNT]
    with httpx.Client(transport=Named(), follow_redirects=True, timeout=PATIENCE) as client:
        page = client.get(running.origins["app"] + "/")
        for fields in ({"email": SERVICE_ACCOUNT}, {"password": known["password"]}):
            page = client.post(action_of(page.text), data={"authenticity_token": token_of(page.text), **fields})
        code = {"code": pyotp.TOTP(known["totp_secret"]).now()}
        page = client.post(action_of(page.text), data={"authenticity_token": token_of(page.text), **code})
        assert "header-avatar" in page.text
        yield client


def save_ann(running: Process, client: httpx.Client, title: str) -> httpx.Response:
    """Save Ann's job title."""
    ann = running.control("GET", "/state?person=ann.lee@example.com").json()
    address = f"{running.origins['app']}/{ann['company_id']}/company/directory/users/{ann['user']['user_id']}"
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get(address + "/edit").text)
    assert token is not None
    return client.post(address, data={"authenticity_token": token.group(1), "user[job_title]": title})


def test_a_dropped_response_is_written_and_never_answered(running: Process, signed_in: httpx.Client) -> None:
    """The save is in the state once, the client got not a byte, and the log shows a request without a status."""
    fault = {"operation": "save_user", "user": "ann.lee@example.com", "effect": "drop_response"}
    running.control("POST", "/faults", [fault])
    with pytest.raises(httpx.TransportError):
        save_ann(running, signed_in, "Written")
    ann = running.control("GET", "/state?person=ann.lee@example.com").json()["user"]
    assert ann["job_title"] == "Written"
    assert [row["field"] for row in ann["history"]].count("Job Title") == 1
    saves = [r for r in running.control("GET", "/requests").json() if r["operation"] == "save_user"]
    assert [(r["status"], r["effects"]) for r in saves] == [(0, ["drop_response"])]
    assert running.control("GET", "/faults").json()["never_fired"] == []
    assert save_ann(running, signed_in, "Again").status_code == 200


def test_not_a_byte_comes_before_the_cut(running: Process, signed_in: httpx.Client) -> None:
    """Seen by a raw client: the connection ends without an HTTP status line."""
    running.control("POST", "/faults", [{"operation": "list", "effect": "drop_response"}])
    company = running.control("GET", "/state").json()["companies"][0]["company_id"]
    parts = urlsplit(running.origins["app"])
    cookies = "; ".join(f"{c.name}={c.value}" for c in signed_in.cookies.jar)
    with socket.create_connection(("127.0.0.1", parts.port or 80), PATIENCE) as raw:
        path = f"/{company}/company/directory/groups/users"
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nCookie: {cookies}\r\n\r\n".encode())
        try:
            received = raw.recv(100)
        except ConnectionResetError:
            received = b""
    assert received == b""


@pytest.mark.parametrize("repeats", [False, True])
def test_a_browsers_own_repetition_is_cut_unless_asked_for(
    running: Process, signed_in: httpx.Client, repeats: bool
) -> None:
    """Chromium repeats a lost POST by itself: not applied by default, applied with `browser_repeats`."""
    ann = running.control("GET", "/state?person=ann.lee@example.com").json()
    address = f"{running.origins['app']}/{ann['company_id']}/company/directory/users/{ann['user']['user_id']}"
    token = re.search(r'name="csrf-token" content="([^"]+)"', signed_in.get(address + "/edit").text)
    assert token is not None
    form = {"authenticity_token": token.group(1)}
    fault = {"operation": "invite", "effect": "drop_response", "browser_repeats": repeats}
    running.control("POST", "/faults", [fault])
    with pytest.raises(httpx.TransportError):
        signed_in.post(address + "/invite", data=form)
    if repeats:
        assert signed_in.post(address + "/invite", data=form).status_code == 200
    else:
        with pytest.raises(httpx.TransportError):
            signed_in.post(address + "/invite", data=form)
        running.control("POST", "/clock", {"advance": 2})
        assert running.control("GET", "/requests").json()[-1]["effects"] == ["browser_repeat"]
    assert len(running.control("GET", "/outbox").json()) == (2 if repeats else 1)


def test_only_the_two_names_are_served_and_only_on_loopback(running: Process) -> None:
    """Another Host header gets no page, and both ports listen on 127.0.0.1."""
    port = urlsplit(running.origins["app"]).port
    assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 421
    health = running.control("GET", "/healthz").json()
    assert health["ok"] is True
    assert urlsplit(health["control"]).hostname == "127.0.0.1"


def test_state_survives_a_restart_and_the_end_is_clean(tmp_path: Path) -> None:
    """SIGTERM writes the file, exit status 0; the next start reads it."""
    file, ready = tmp_path / "state.json", tmp_path / "ready.json"
    with sandbox("--state", str(file), "--ready-file", str(ready)) as first:
        assert json.loads(ready.read_text()) == first.origins
        first.control("POST", "/people", [{"email_address": "kept@example.com"}])
        before = first.control("GET", "/state?person=kept@example.com").json()
        assert first.stop() == 0
    with sandbox("--state", str(file)) as second:
        assert second.control("GET", "/state?person=kept@example.com").json() == before


def test_credentials_can_be_printed_without_serving() -> None:
    """For a person who wants to sign in by hand."""
    command = [sys.executable, "-m", "fixtures.sandbox", "--show-credentials", "--seed", "3"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert SERVICE_ACCOUNT in [entry["email"] for entry in json.loads(printed.stdout)]


@pytest.mark.parametrize("wrong", [["--option", "nonsense=1"], ["--option", "mfa"], ["--people", "99999"]])
def test_wrong_arguments_are_refused(wrong: list[str]) -> None:
    """Status 2 with a sentence."""
    command = [sys.executable, "-m", "fixtures.sandbox", *wrong]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert ended.returncode == 2
    assert ended.stderr


@pytest.mark.parametrize(("then", "applied"), [("go_on", True), ("drop", False)])
def test_a_held_request_whose_client_is_gone(
    running: Process, signed_in: httpx.Client, then: str, applied: bool
) -> None:
    """Let go on, it is applied as any request that has arrived; dropped, nothing is."""
    running.control("POST", "/faults", [{"operation": "save_user", "effect": "hold", "when": "before"}])
    signed_in.timeout = httpx.Timeout(0.5)
    with pytest.raises(httpx.TimeoutException):
        save_ann(running, signed_in, "Late")
    (held,) = running.control("GET", "/held").json()
    assert held["operation"] == "save_user"
    running.control("POST", "/held/release", {"then": then})
    while any(r["ended_at"] is None for r in running.control("GET", "/requests").json()):
        pass  # the request is on its way to its end; the control plane answers between its steps
    title = running.control("GET", "/state?person=ann.lee@example.com").json()["user"]["job_title"]
    assert (title == "Late") is applied


def test_a_dropped_hold_gets_not_a_byte(running: Process, signed_in: httpx.Client) -> None:
    """Applied, and then the connection ends: a lost answer whose moment the test chooses."""
    running.control("POST", "/faults", [{"operation": "save_user", "effect": "hold", "when": "after"}])
    with ThreadPoolExecutor(1) as aside:
        saving = aside.submit(save_ann, running, signed_in, "Kept")
        assert len(running.control("GET", f"/held?wait={PATIENCE}").json()) == 1
        running.control("POST", "/held/release", {"then": "drop"})
        with pytest.raises(httpx.TransportError):
            saving.result(PATIENCE)
    assert running.control("GET", "/state?person=ann.lee@example.com").json()["user"]["job_title"] == "Kept"


def test_a_running_sandbox_can_be_restarted_in_mid_test(tmp_path: Path) -> None:
    """Same addresses, same people; everybody is signed out."""
    with RunningSandbox(20, 7, "--no-delays", "--state", str(tmp_path / "state.json")) as tenant:
        tenant.post("/people", [{"email_address": "kept@example.com"}])
        before, addresses = tenant.get("/state?person=kept@example.com"), (tenant.sign_in, tenant.app, tenant.control)
        tenant.stop()
        tenant.start()
        assert (tenant.sign_in, tenant.app, tenant.control) == addresses
        assert tenant.get("/state?person=kept@example.com") == before
