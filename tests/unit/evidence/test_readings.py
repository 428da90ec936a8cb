"""The log of what flows read: complete, masked, packed at the end, and never in a job's way."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.credentials.known import KnownSecrets
from agent.credentials.secret import Secret
from agent.domain.person import TenantFacts
from agent.evidence.check import check
from agent.evidence.folder import EvidenceFolder
from agent.evidence.masking import Masker
from agent.evidence.objects import ObjectStore, references
from agent.evidence.readings import KEPT, RUNNING, ReadingsLog, pack
from agent.execute.events import ControlUsed, FactsKnown, JobEnded, JobStarted, PageRead
from agent.policy.rules import PolicyRules
from flows import Catalogue, ControlUse, PageReading, Place, Use
from tests.unit.evidence import story

SECRET = 'Tr0ub4dor&"3'


def reading(data: Any, url: str = "http://app.example.test/page?search=ana") -> PageRead:
    """A page read, with a place that was made since the last telling."""
    surroundings: dict[str, Any] = {"url": url, "flashes": []}
    return PageRead(
        PageReading(
            reading="list",
            script="async (input) => 1",
            script_sha256="ab" * 32,
            catalogue=Catalogue.load(),
            url=url,
            given={"props": True},
            layers=(("add_user.window", ""),),
            ready=True,
            problems=[],
            found={"list.row": 2},
            shell=surroundings,
            data=data,
            began=1000.0,
            took=0.02,
            places=(Place("#a", (Use("list.row", {"user_id": "7"}),)),),
        )
    )


@pytest.fixture
def folder(tmp_path: Path) -> EvidenceFolder:
    """A job's folder under a tenant's."""
    path = tmp_path / "acme" / "2026-11-22" / "job"
    path.mkdir(parents=True)
    return EvidenceFolder(path)


def masked_log(folder: EvidenceFolder, **options: Any) -> ReadingsLog:
    """A log that knows one secret."""
    known = KnownSecrets()
    known.add("password", Secret(SECRET))
    return ReadingsLog(folder, Masker(known), now=lambda: 999.0, **options)


def lines(folder: EvidenceFolder) -> list[dict[str, Any]]:
    """The lines of the packed log."""
    return [json.loads(line) for line in gzip.decompress((folder.path / KEPT).read_bytes()).splitlines()]


def test_a_reading_is_kept_with_all_that_a_replay_asks_for(folder: EvidenceFolder) -> None:
    """What was asked, what was answered, when, in which step, and which selector came from which key."""
    log = masked_log(folder)
    log.reading(reading({"rows": ["Ana"]}), 2)
    log.use(ControlUsed(ControlUse("opening", "http://app.example.test/", 1001.0, 0.5, failed=True)), 2)
    log.finish()

    first, second = lines(folder)
    assert (first["n"], first["ms"], first["wall"], first["took_ms"], first["step"]) == (1, 1000, 1000.0, 20.0, 2)
    assert (first["reading"], first["data"], first["found"]) == ("list", {"rows": ["Ana"]}, {"list.row": 2})
    assert first["places"] == [["#a", [["list.row", {"user_id": "7"}]]]]
    assert (second["use"], second["failed"]) == ("opening", True)


def test_scripts_and_catalogue_are_kept_once_for_all_jobs(folder: EvidenceFolder) -> None:
    """The folder says which; the tenant's store has them, and the manifest will name them."""
    log = masked_log(folder)
    for _ in range(2):
        log.reading(reading(None), 0)
    log.finish()

    named = {item.name.removeprefix("objects.json/"): item.sha256 for item in references(folder.path)}
    store = ObjectStore.beside(folder.path)
    assert set(named) == {"selectors.toml", "scripts/list.js"}
    assert store.read(named["selectors.toml"]).decode() == Catalogue.load().source
    assert store.read(named["scripts/list.js"]) == b"async (input) => 1"


def test_secrets_do_not_get_in(folder: EvidenceFolder) -> None:
    """By value wherever they stand, by place whatever they are: tokens in fields and in addresses."""
    token = "Zq9tokenzq9"
    log = masked_log(folder)
    log.reading(
        reading(
            {"said": f"no: {SECRET}", "fields": [{"name": "authenticity_token", "type": "hidden", "value": token}]},
            f"http://app.example.test/page?reset_token={token}",
        ),
        0,
    )
    running = (folder.path / RUNNING).read_text()
    log.finish()

    for text in (running, json.dumps(lines(folder))):
        assert token not in text
        assert "Tr0ub4dor" not in text
    assert lines(folder)[0]["data"]["fields"][0]["value"] == "***"


def test_other_people_are_hidden_where_that_is_asked_for(folder: EvidenceFolder) -> None:
    """What hides people passes over every value before it is written."""
    log = masked_log(folder, hide=lambda line: {**line, "data": "hidden"})
    log.reading(reading({"rows": ["Somebody Else"]}), 0)
    log.finish()

    assert lines(folder)[0]["data"] == "hidden"


def test_whole_lists_are_not_written_twice(folder: EvidenceFolder) -> None:
    """A snapshot writes every row down anyway: its log says how many were found, not which."""
    log = masked_log(folder, data=False)
    log.reading(reading({"rows": ["Ana"]}), 0)
    log.finish()

    assert (lines(folder)[0]["data"], lines(folder)[0]["found"]) == (None, {"list.row": 2})


def test_nothing_read_leaves_nothing(folder: EvidenceFolder) -> None:
    """A job refused before its first page has no log."""
    masked_log(folder).finish()

    assert list(folder.path.iterdir()) == []


def test_a_torn_last_line_is_left_out(folder: EvidenceFolder) -> None:
    """A killed process leaves half a line; what is packed later are whole ones. Doing it twice is the same as once."""
    log = masked_log(folder)
    log.reading(reading(None), 0)
    with (folder.path / RUNNING).open("a") as file:
        file.write('{"n": 2, "wall')
    pack(folder)
    pack(folder)

    assert [line["n"] for line in lines(folder)] == [1]
    assert not (folder.path / RUNNING).exists()


def test_the_same_readings_give_the_same_bytes(folder: EvidenceFolder) -> None:
    """Packing writes no time of its own: a manifest can be compared."""
    packed = []
    for _ in range(2):
        log = masked_log(folder)
        log.reading(reading({"rows": []}), 0)
        log.finish()
        packed.append((folder.path / KEPT).read_bytes())

    assert packed[0] == packed[1]


async def test_the_recorder_keeps_names_rules_and_readings(
    tmp_path: Path, traces_dir: Path, known: KnownSecrets
) -> None:
    """What a plan was made with and what was read stands in a finished folder; the manifest lists it."""
    to = story.recorder(tmp_path, traces_dir, known)
    await to.notify(JobStarted(story.job(), "northwind", story.STARTED, rules=PolicyRules()))
    await to.notify(FactsKnown(TenantFacts(own_login="svc@example.com")))
    await to.notify(reading({"rows": []}))
    await to.notify(JobEnded(story.DONE, datetime.now(UTC)))

    assert to.folder is not None
    kept = {entry.path for entry in check(to.folder).files}
    assert {"facts.json", "rules.json", KEPT, "objects.json"} <= kept
    assert RUNNING not in kept
    assert json.loads((to.folder / "facts.json").read_text())["own_login"] == "svc@example.com"


async def test_a_log_that_cannot_be_written_never_stops_a_job(
    tmp_path: Path, traces_dir: Path, known: KnownSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said once in the job's log; what was logged before is kept; the job goes on."""

    def full(log: ReadingsLog, event: PageRead, step: int) -> None:
        raise OSError(28, "No space left on device")

    to = story.recorder(tmp_path, traces_dir, known)
    await to.notify(JobStarted(story.job(), "northwind", story.STARTED))
    await to.notify(reading({"rows": []}))
    monkeypatch.setattr(ReadingsLog, "reading", full)
    await to.notify(reading({"rows": []}))
    await to.notify(reading({"rows": []}))
    await to.notify(JobEnded(story.DONE, datetime.now(UTC)))

    assert to.folder is not None
    events = [json.loads(line)["event"] for line in (to.folder / "log.jsonl").read_text().splitlines()]
    assert events.count("readings-missing") == 1
    assert len(gzip.decompress((to.folder / KEPT).read_bytes()).splitlines()) == 1
