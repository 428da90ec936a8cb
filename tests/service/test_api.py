"""The interface over real sockets: who may come in, what is answered, and what never leaves."""

from __future__ import annotations

import asyncio
import getpass
import io
import json
import socket
import stat
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from agent.credentials.known import SecretKind
from agent.credentials.secret import Secret
from agent.errors import Failed
from agent.queue.ending import Dead, Ending, Held, Trouble
from agent.queue.record import Hold, NewGrant
from agent.service.client import Client
from agent.service.reach import desk_at_hand
from tests.service.conftest import Served, job

CSV = """action,idempotency_key,ticket,requested_by,approved_by,email
read,c-1,T,hr@example.com,it@example.com,ana@example.com
read,c-2,T,hr@example.com,it@example.com,bo@example.com
"""


@pytest.fixture
def api(served: Served) -> Iterator[httpx.Client]:
    """This machine's user, at the unix socket."""
    with served.on_socket() as client:
        yield client


def held(served: Served, hold: Hold, data: dict[str, Any] | None = None) -> int:
    """A job that waits for a person."""

    async def wait() -> int:
        claim = await served.queue.next_claim("test")
        record = await served.queue.finish(claim, Ending(Held(hold, "because", data or {})))
        return record.id

    return served.does(wait())


def code(answer: httpx.Response) -> tuple[int, str]:
    """Status and our code; every error is a problem document."""
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == answer.status_code
    assert document["detail"]
    return answer.status_code, document["code"]


def test_jobs_are_handed_in_listed_and_steered(api: httpx.Client) -> None:
    """The round that every client makes."""
    accepted = api.post("/v1/jobs", json=[job(), job("k-2", "bo@example.com")], params={"batch": "b"})
    assert accepted.status_code == 202
    assert [item["id"] for item in accepted.json()["jobs"]] == [1, 2]
    listed = api.get("/v1/jobs", params={"batch": "b", "state": ["queued"]}).json()
    assert [item["person"] for item in listed["jobs"]] == ["ana@example.com", "bo@example.com"]
    shown = api.get("/v1/jobs/1").json()
    assert shown["job"]["reason"]["ticket"] == "T"
    assert shown["created_by"] == f"local:{getpass.getuser()}"
    assert [event["kind"] for event in api.get("/v1/jobs/1/events").json()["events"]] == ["accepted"]
    assert api.post("/v1/jobs/1/cancel").json()["state"] == "cancelled"
    assert code(api.post("/v1/jobs/1/cancel")) == (409, "job-is-over")


def test_a_secret_that_somebody_typed_is_not_repeated(served: Served, api: httpx.Client) -> None:
    """What the agent knows for a secret leaves in no answer, error or list; people and numbers stay as they are."""
    served.known.add("password", Secret('Br0ken "Gate" 7'))
    served.known.add("code", Secret("100003"), SecretKind.ONE_TIME_CODE)
    typed = job()
    typed["reason"]["ticket"] = 'the password is Br0ken "Gate" 7'
    assert api.post("/v1/jobs", json=[typed]).status_code == 202
    shown = api.get("/v1/jobs/1")
    assert shown.json()["job"]["reason"]["ticket"] == "the password is ***"
    assert shown.json()["person"] == "ana@example.com"
    assert int(shown.headers["content-length"]) == len(shown.content)
    assert "Br0ken" not in api.get("/v1/jobs/1/events").text
    refused = api.post("/v1/jobs", json=[{**typed, "person": {"email": 'Br0ken "Gate" 7'}}])
    assert (refused.status_code, "Br0ken" in refused.text) == (422, False)
    assert "Br0ken" not in api.get("/v1/jobs").text


def test_the_list_goes_on_where_there_are_more(api: httpx.Client) -> None:
    """Pages of any size hold every job once."""
    api.post("/v1/jobs", json=[job(f"k-{number}", f"p{number}@example.com") for number in range(5)])
    seen, after = [], 0
    while after is not None:
        page = api.get("/v1/jobs", params={"limit": 2, "after": after}).json()
        seen += [item["id"] for item in page["jobs"]]
        after = page["next_after"]
    assert seen == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json; charset=utf-8", json.dumps([job("c-1"), job("c-2", "bo@example.com")])),
        ("application/x-ndjson", json.dumps(job("c-1")) + "\n" + json.dumps(job("c-2", "bo@example.com"))),
        ("text/csv", CSV),
    ],
)
def test_jobs_may_come_as_json_json_lines_and_csv(api: httpx.Client, kind: str, body: str) -> None:
    """The same two jobs each time."""
    answer = api.post("/v1/jobs", content=body, headers={"content-type": kind})
    assert [item["key"] for item in answer.json()["jobs"]] == ["c-1", "c-2"]


def test_a_preview_accepts_nothing_and_says_what_would_happen(api: httpx.Client) -> None:
    """Whom it waits for, and what it would make pointless."""
    grant = job("k-1", action="add_to_projects", projects=[{"project": "24-017", "template": "none"}])
    api.post("/v1/jobs", json=[grant, job("k-2")])
    shown = api.post("/v1/jobs", json=job("k-3", action="offboard"), params={"preview": True})
    assert shown.status_code == 200
    (row,) = shown.json()["jobs"]
    assert (row["waits_for"], row["supersedes"], row["priority"]) == ([2], [1], 10)
    assert len(api.get("/v1/jobs").json()["jobs"]) == 2


def test_a_batch_is_refused_as_a_whole_with_every_problem(api: httpx.Client) -> None:
    """Nothing of it is in the queue."""
    answer = api.post("/v1/jobs", json=[job(), {"action": "raed"}, job("k-3", tenant="acne")])
    assert code(answer) == (422, "bad-job-file")
    assert answer.json()["problems"][0]["suggestion"] == "'read'"
    answer = api.post("/v1/jobs", json=[job(), job("k-3", "bo@example.com", tenant="acne")])
    assert "did you mean" not in str(answer.json()["problems"][0]["path"])
    assert answer.json()["problems"][0]["message"] == "there is no tenant 'acne'"
    assert api.get("/v1/jobs").json()["jobs"] == []


def test_a_job_sent_again_is_accepted_once(api: httpx.Client) -> None:
    """A client that got no answer sends the same again; another wish under the key is refused."""
    first = api.post("/v1/jobs", json=job()).json()["jobs"][0]
    again = api.post("/v1/jobs", json=job()).json()["jobs"][0]
    assert (again["id"], again["joined"]) == (first["id"], True)
    assert code(api.post("/v1/jobs", json=job(email="bo@example.com"))) == (409, "request-key-reused")


def test_an_approval_is_by_somebody_else_with_a_token(served: Served, api: httpx.Client) -> None:
    """Neither who submitted it nor a nameless user of the machine; what was shown is what is approved."""
    with served.on_socket(served.token("hr-feed")) as sender, served.on_socket(served.token("ana")) as ana:
        sender.post("/v1/jobs", json=job())
        number = held(served, Hold.APPROVAL, {"codes": ["too-many-people"], "people": 3, "projects": 1})
        assert code(sender.post(f"/v1/jobs/{number}/approve")) == (403, "four-eyes")
        assert code(api.post(f"/v1/jobs/{number}/approve")) == (401, "token-needed")
        approved = ana.post(f"/v1/jobs/{number}/approve").json()
    assert (approved["hold"], approved["approved_by"]) == (None, "ana")
    record = served.does(served.queue.job(number))
    assert record.approval == {"codes": ["too-many-people"], "people": 3, "projects": 1}


def test_a_job_is_handed_over_with_instructions_and_given_back_for_a_check(api: httpx.Client) -> None:
    """resolve lets the agent read; nobody is believed."""
    api.post("/v1/jobs", json=job(action="offboard"))
    shown = api.post("/v1/jobs/1/hand-over", json={"reason": "the page is new"}).json()
    assert shown["hold"] == "hand-over"
    assert shown["hold_data"]["steps"]
    assert api.post("/v1/jobs/1/resolve").json()["checking"] is True


def test_a_dead_job_is_run_again(served: Served, api: httpx.Client) -> None:
    """With its attempts counted from zero."""
    api.post("/v1/jobs", json=job())

    async def die() -> None:
        claim = await served.queue.next_claim("test")
        await served.queue.finish(claim, Ending(Dead(Trouble("failed", "denied", "No right."))))

    served.does(die())
    assert api.get("/v1/jobs/1").json()["trouble"] == {"kind": "failed", "code": "denied", "message": "No right."}
    assert api.post("/v1/jobs/1/retry").json()["state"] == "queued"


def test_a_tenant_is_paused_and_resumed_by_name(api: httpx.Client) -> None:
    """Everybody sees who and why."""
    paused = api.post("/v1/tenants/acme/pause", json={"reason": "audit", "until": "2030-01-01T00:00:00+00:00"}).json()
    assert (paused["paused"], paused["why"], paused["until"]) == (True, "audit", "2030-01-01T00:00:00Z")
    assert api.get("/v1/status").json()["tenants"][0]["paused_by"] == f"local:{getpass.getuser()}"
    assert api.post("/v1/tenants/acme/resume").json()["paused"] is False
    assert code(api.post("/v1/tenants/acne/resume"))[0] == 404


def test_the_budget_is_asked_of_the_agent_that_owns_the_queue(served: Served) -> None:
    """As `agent run-job` does: one a key, whoever asks; more than policy allows is told, and not counted."""

    async def ask(key: str) -> list[str]:
        async with desk_at_hand(served.settings, None) as desk:
            assert isinstance(desk, Client)
            leave = await desk.take_leave("acme", key, "offboard", 1000)
            return [item.code for item in leave.approvals]

    keys = [f"hr-{number}" for number in range(10)]
    assert [asyncio.run(ask(key)) for key in [*keys, keys[0]]] == [[]] * 11
    assert asyncio.run(ask("hr-10")) == ["too-many-deactivations"]
    with served.on_socket() as api:
        assert api.post("/v1/tenants/nowhere/budget", json={"key": "k", "action": "offboard"}).is_error


def test_access_past_its_end_stands_in_the_status(served: Served, api: httpx.Client) -> None:
    """Whose, which, since when, and what became of the job that should have ended it."""
    api.post("/v1/jobs", json=[job(action="remove_from_projects", projects=["24-017"])])
    grant = NewGrant("project", {"project": "24-017"}, 1_800_000_000.0 - 400 * 86_400, ("24-017",))
    served.does(served.queue.add_grants(7, "acme", "ana@example.com", [grant]))
    (due,) = served.does(served.queue.grants(due_at=grant.expires_at))
    served.does(served.queue.mark_revoking(due.id, 1))
    api.post("/v1/jobs/1/cancel")
    (overdue,) = api.get("/v1/status").json()["overdue"]
    assert (overdue["person"], overdue["what"], overdue["job"], overdue["state"]) == (
        "ana@example.com",
        {"project": "24-017"},
        1,
        "cancelled",
    )


def test_the_socket_is_for_its_owner_and_knows_who_comes(served: Served) -> None:
    """Mode 0600; a token, where one is given, wins over the account."""
    assert served.settings.api.socket is not None
    assert stat.S_IMODE(served.settings.api.socket.stat().st_mode) == 0o600
    with served.on_socket(served.token("desk")) as client:
        client.post("/v1/jobs", json=job())
        assert client.get("/v1/jobs/1").json()["created_by"] == "desk"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/jobs"),
        ("GET", "/v1/jobs"),
        ("GET", "/v1/jobs/1"),
        ("GET", "/v1/jobs/1/events"),
        ("POST", "/v1/jobs/1/cancel"),
        ("POST", "/v1/jobs/1/retry"),
        ("POST", "/v1/jobs/1/approve"),
        ("POST", "/v1/jobs/1/resolve"),
        ("POST", "/v1/jobs/1/hand-over"),
        ("POST", "/v1/tenants/acme/budget"),
        ("POST", "/v1/tenants/acme/pause"),
        ("POST", "/v1/tenants/acme/resume"),
        ("GET", "/v1/flows"),
        ("GET", "/v1/tenants/acme/flows/add_user"),
        ("POST", "/v1/tenants/acme/flows/add_user/quarantine"),
        ("POST", "/v1/tenants/acme/flows/add_user/release"),
        ("POST", "/v1/tenants/acme/flows/add_user/seen"),
        ("GET", "/v1/status"),
    ],
)
def test_nothing_is_told_or_done_on_the_port_without_a_token(served: Served, method: str, path: str) -> None:
    """Neither without one, nor with one that is wrong, removed, or no bearer token at all."""
    token = served.token("ana")
    with served.on_port() as client:
        assert code(client.request(method, path)) == (401, "token-needed")
        for header in (f"Bearer {token}x", "Bearer", f"Basic {token}", token):
            answer = client.request(method, path, headers={"authorization": header})
            assert code(answer) == (401, "token-unknown")
            assert answer.headers["www-authenticate"] == "Bearer"
    with served.on_port(token) as client:
        assert client.request(method, path).status_code != 401
        served.operators.remove("ana")
        assert code(client.request(method, path)) == (401, "token-unknown")


def test_every_path_with_a_version_is_in_the_test_above(served: Served, api: httpx.Client) -> None:
    """A new path cannot be forgotten there: without a token nothing under /v1 answers."""
    described = api.get("/openapi.json").json()["paths"]
    with served.on_port() as client:
        for path, operations in described.items():
            for method in operations:
                answer = client.request(method, path.format(job_id=1, name="acme", flow="add_user"))
                assert (answer.status_code == 401) == path.startswith("/v1"), (method, path)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example"},
        {"host": ""},
        {"host": "evil.example:8765"},
        {"host": "localhost@evil.example"},
    ],
)
def test_web_pages_and_other_names_are_turned_away(served: Served, headers: dict[str, str]) -> None:
    """Also with a token, and also where none is needed: a name that points here must not read answers (rebinding)."""
    with served.on_port(served.token("ana")) as client:
        for path in ("/v1/jobs", "/healthz", "/openapi.json"):
            assert code(client.get(path, headers=headers)) == (403, "not-your-host")
        assert client.get("/v1/jobs", headers={"host": "localhost:1"}).status_code == 200


def test_two_hosts_in_one_request_are_no_host(served: Served) -> None:
    """Whatever a proxy would make of it."""
    host, _, port = served.addresses[1].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        assert raw.recv(100).split()[1] in (b"400", b"403")


def test_forwarded_headers_make_nobody_else_of_the_caller(served: Served) -> None:
    """Nobody may say on whose behalf they come."""
    with served.on_port() as client:
        answer = client.get("/v1/jobs", headers={"x-forwarded-for": "127.0.0.1", "forwarded": "for=unix"})
    assert code(answer) == (401, "token-needed")


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_refused(api: httpx.Client, declared: bool) -> None:
    """Whether its size is said beforehand or shows only while it comes."""
    content: Any = b"x" * 9_000_000 if declared else iter([b"x" * 1_000_000] * 9)
    assert code(api.post("/v1/jobs", content=content, headers={"content-type": "application/json"})) == (
        413,
        "body-too-large",
    )


@pytest.mark.parametrize(
    ("method", "path", "more", "expected"),
    [
        ("GET", "/v1/nowhere", {}, (404, "no-such-path")),
        ("DELETE", "/v1/jobs", {}, (405, "wrong-method")),
        ("GET", "/v1/jobs/1", {}, (404, "no-such-job")),
        ("GET", "/v1/jobs/x", {}, (422, "bad-request")),
        ("GET", "/v1/jobs/99999999999999999999999", {}, (422, "bad-request")),
        ("GET", "/v1/jobs?limit=0", {}, (422, "bad-request")),
        ("GET", "/v1/jobs?state=asleep", {}, (422, "bad-request")),
        ("POST", "/v1/jobs", {"content": b"{}"}, (422, "bad-request")),
        ("POST", "/v1/jobs?not_before=2030-01-01T00:00:00", {"json": job()}, (422, "bad-request")),
        ("POST", "/v1/jobs/1/hand-over", {"json": {}}, (422, "bad-request")),
        ("POST", "/v1/jobs/1/hand-over", {"json": {"reason": "x", "more": 1}}, (422, "bad-request")),
        ("POST", "/v1/tenants/acme/pause", {"json": {"reason": "x", "until": "soon"}}, (422, "bad-request")),
        ("POST", "/v1/tenants/..%2Fx/resume", {}, (404, "no-such-path")),
    ],
)
def test_requests_that_cannot_be_used_get_a_problem_document(
    api: httpx.Client, method: str, path: str, more: dict[str, Any], expected: tuple[int, str]
) -> None:
    """One form for every error."""
    assert code(api.request(method, path, **more)) == expected


def test_an_error_repeats_nothing_of_what_came_in(api: httpx.Client) -> None:
    """A secret in the wrong field does not come back, nor does it reach a log by way of the answer."""
    answer = api.post("/v1/jobs/1/hand-over", json={"reason": ["Correct-horse-7!"], "password": "Correct-horse-7!"})
    assert "Correct-horse" not in answer.text


def test_a_mistake_of_ours_tells_nothing(
    served: Served, api: httpx.Client, monkeypatch: pytest.MonkeyPatch, logged: io.StringIO
) -> None:
    """A problem document without particulars; they are in the log, and the agent lives on."""

    async def break_down() -> Any:
        raise RuntimeError("password=Correct-horse-7!")

    monkeypatch.setattr(served.queue, "depths", break_down)
    answer = api.get("/v1/status")
    assert code(answer) == (503, "unexpected")
    assert "Correct-horse" not in answer.text
    assert "in break_down" in logged.getvalue()
    assert api.get("/healthz").status_code == 200


def test_a_queue_that_cannot_write_is_503(served: Served, api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client may try again."""

    async def full(jobs: Any) -> Any:
        raise Failed("queue-unwritable", "The disk is full.")

    monkeypatch.setattr(served.queue, "submit", full)
    assert code(api.post("/v1/jobs", json=job())) == (503, "queue-unwritable")


def test_health_needs_no_token_and_tells_of_nobody(served: Served, api: httpx.Client) -> None:
    """On each address; readiness follows the worker and the queue."""
    api.post("/v1/jobs", json=job(action="offboard"))
    with served.on_port(metrics=True) as client:
        assert client.get("/healthz").json()["status"] == "ok"
        assert client.get("/readyz").json()["ready"] is True
        figures = client.get("/metrics", headers={"host": "agent.internal:9464"}).text
        served.worker.says.draining = True
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["checks"]["worker"]) == (503, "draining")
        for path in ("/v1/jobs", "/v1/status", "/openapi.json"):
            assert code(client.get(path)) == (404, "no-such-path")
    assert 'agent_jobs{priority="offboard",state="queued",tenant="acme"} 1.0' in figures
    assert "ana" not in figures
    assert "example.com" not in figures


def test_a_queue_that_does_not_answer_is_not_ready(
    served: Served, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hung disk shows, and does not hang the probe."""

    async def hang() -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(served.queue, "tenants", hang)
    monkeypatch.setattr("agent.service.health.QUEUE_ANSWERS_IN_S", 0.05)
    answer = api.get("/readyz")
    assert answer.status_code == 503
    assert "no answer" in answer.json()["checks"]["queue"]


def test_a_clock_that_stands_still_is_not_ready(served: Served, api: httpx.Client) -> None:
    """Nobody's access would end on its date any more; it says which scan."""
    assert api.get("/readyz").json()["checks"]["clock"] == "ok"
    served.clock_trouble = "the scan 'revoke' has not worked for 400 s"
    answer = api.get("/readyz")
    assert answer.status_code == 503
    assert "revoke" in answer.json()["checks"]["clock"]


def test_no_page_loads_anything_from_elsewhere(api: httpx.Client) -> None:
    """FastAPI's own pages would; they are off."""
    for path in ("/docs", "/redoc", "/docs/oauth2-redirect", "/"):
        assert api.get(path).status_code == 404
