"""What holds for every job: a dry run writes nothing, secrets stand nowhere, an interrupted job says so."""

from __future__ import annotations

import asyncio
import base64
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from agent.evidence.check import check
from agent.evidence.search import search_folder
from agent.execute.events import WriteSending
from agent.execute.gate import JobGate
from agent.execute.outcome import Outcome, Verdict
from agent.execute.run import run_job
from tests.browser.jobs.conftest import ANA, ENGINEER, FOREMAN, Desk, job, provision, reactivation

EVERY_WRITING_JOB = [
    provision(),
    job("update", person={"email": "ben@example.com", "attributes": {"job_title": "Foreman"}}),
    job("change_email", person={"email": "ben@example.com"}, new_email="ben.berg@example.com"),
    job("offboard", person={"email": "ben@example.com"}),
    reactivation("gone@example.com", projects=[{"project": "24-002", "template": ENGINEER}]),
    job("add_to_projects", person={"email": "ben@example.com"}, projects=[{"project": "24-002", "template": ENGINEER}]),
    job("remove_from_projects", person={"email": "ben@example.com"}, projects=["24-001"]),
    job("invite", person={"email": "ben@example.com"}),
]


def people(desk: Desk) -> None:
    """Ben, who works here, and somebody who has left with dormant access."""
    desk.put("ben@example.com", values={"last_name": "Berg"}, memberships={"24-001": FOREMAN}, invited=False)
    desk.put("gone@example.com", is_active=False, values={"last_name": "Gone"}, memberships={"24-001": FOREMAN})


def world(desk: Desk) -> object:
    """The whole truth, but for the time of our own sign-in."""
    companies = desk.sandbox.get("/state")["companies"]
    for company in companies:
        for user in company["users"]:
            user.pop("last_login_at")
    return companies


async def test_a_dry_run_of_every_action_sends_not_one_request_that_could_write(desk: Desk) -> None:
    """After the sign-in the app host sees reading requests only, and the world is as it was."""
    people(desk)
    before = world(desk)
    for one in EVERY_WRITING_JOB:
        ran = await desk.run(one, dry_run=True)
        assert ran.outcome.verdict is Verdict.DONE, (one.action, ran.outcome)
        assert "would be done" in ran.outcome.summary, one.action
        assert not any(isinstance(event, WriteSending) for event in ran.events)
    assert desk.writes() == []
    assert world(desk) == before


async def test_the_network_guard_alone_stops_a_write(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted violation: with the gate open and the runner forgetting to stop, the browser still sends nothing."""
    people(desk)

    async def open_gate(self: JobGate, page: object, intent: str, target: object = None) -> None:
        self.sent += 1

    monkeypatch.setattr(JobGate, "before", open_gate)
    seat = desk.place.seat("sandbox")
    recorder = desk.place.recorder(seat)
    orders = desk.place.orders(seat.tenant, recorder, dry_run=False, approved=False)
    opened = await seat.session.open()
    update = job("update", person={"email": "ben@example.com", "attributes": {"job_title": "Foreman"}})
    async with seat.session.reading_only() as held:
        outcome = await run_job(update, seat.session, seat.relay, [], orders)
    assert any(line.startswith("POST") for line in held)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert desk.writes() == []
    assert opened.page is not None


async def test_secrets_stand_in_no_byte_that_a_job_leaves_behind(desk_with_codes: Desk) -> None:
    """Password, authenticator secret, codes and session cookies: not in evidence, zips, state folder or traces."""
    desk = desk_with_codes
    people(desk)
    ran = await desk.run(provision())
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    await desk.run(job("offboard", person={"email": "ben@example.com"}))
    await desk.place.seat("sandbox").session.close()
    known = desk.place.known
    assert {entry.label.split(" ")[0] for entry in known} >= {"password", "TOTP", "sign-in", "session"}
    for folder in (desk.settings.paths.evidence, desk.settings.paths.state):
        assert search_folder(folder, known) == []
        for name, data in every_byte(folder):
            for secret in desk.secrets.values():
                for form in forms(secret):
                    assert form not in data, name
    for one in desk.ran:
        check(one.evidence)
        with zipfile.ZipFile(one.evidence / "trace.zip") as archive:
            assert any(name.endswith(".trace") for name in archive.namelist())
    assert list((desk.settings.paths.state / "traces").glob("*.trace")) == [], "raw traces are gone"


async def test_a_secret_in_a_renewed_sign_in_stays_out_of_the_running_trace(desk: Desk) -> None:
    """The session ends in mid-job while the trace runs: the new sign-in happens elsewhere."""
    desk.fault("project_add", "sign_out")
    ran = await desk.run(provision())
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    assert desk.sign_ins() == 2
    with zipfile.ZipFile(ran.evidence / "trace.zip") as archive:
        text = b"".join(archive.read(name) for name in archive.namelist())
    assert b"Log In" not in text, "no page of the sign-in was recorded"
    for form in forms(desk.secrets["password"]):
        assert form not in text


def test_the_grep_of_the_tests_finds_a_planted_secret(tmp_path: Path) -> None:
    """The oracle above can fail: raw, percent-encoded, base64, and inside a zip."""
    for number, form in enumerate(forms("Sb-039a9b65-K7!")):
        with zipfile.ZipFile(tmp_path / f"{number}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner.txt", b"before " + form + b" after")
        assert any(form in data for _, data in every_byte(tmp_path))


async def test_a_stopped_job_ends_with_an_outcome_and_sealed_evidence(desk: Desk) -> None:
    """Cancelled between two writes: uncertain, with what is done; the folder is complete."""
    seat = desk.place.seat("sandbox")
    recorder = desk.place.recorder(seat)
    orders = desk.place.orders(seat.tenant, recorder, dry_run=False, approved=False)
    stopper = _Stopper(nth=2)
    task = asyncio.ensure_future(run_job(provision(), seat.session, seat.relay, [recorder, stopper], orders))
    stopper.task = task
    outcome = await task
    assert outcome.verdict is Verdict.UNCERTAIN
    assert outcome.error is not None
    assert outcome.error["code"] == "interrupted"
    assert recorder.folder is not None
    check(recorder.folder)
    ana = desk.person(ANA)
    assert ana is not None
    again = await desk.run(provision())
    assert again.outcome.verdict is Verdict.DONE, again.outcome
    assert desk.writes().count("POST create_user") == 1


async def test_two_sessions_in_one_process_do_not_mix(desk: Desk) -> None:
    """A closed session is opened again from its sealed state, without a sign-in."""
    await desk.run(job("read", person={"email": ANA}))
    await desk.place.seat("sandbox").session.close()
    await desk.place.browser.close()
    await desk.run(job("read", person={"email": ANA}))
    assert desk.sign_ins() == 1


class _Stopper:
    """Cancels the job when its nth write is about to be sent."""

    def __init__(self, nth: int) -> None:
        self._left = nth
        self.task: asyncio.Future[Outcome] | None = None

    async def notify(self, event: object) -> None:
        if isinstance(event, WriteSending):
            self._left -= 1
            if self._left == 0 and self.task is not None:
                self.task.cancel()


def forms(secret: str) -> list[bytes]:
    """The encodings that a plain search looks for."""
    raw = secret.encode()
    return [raw, quote(secret, safe="").encode(), base64.b64encode(raw)]


def every_byte(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file, and every file in every zip."""
    for file in sorted(folder.rglob("*")):
        if not file.is_file():
            continue
        yield str(file), file.read_bytes()
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                for name in archive.namelist():
                    yield f"{file}>{name}", archive.read(name)
