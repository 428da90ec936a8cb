"""The inbox: whatever is dropped is taken once, or refused with a reason; nothing is lost and nothing followed."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from agent.errors import Failed, Refused
from agent.intake import dropped
from agent.intake.inbox import Inbox
from agent.intake.owner import account_name
from agent.policy.approval import askers_of, refuse_approver
from agent.policy.rules import PolicyRules
from agent.queue.admission import job_of
from agent.queue.interface import JobFilter, Queue
from agent.queue.opening import limits_of, open_queue
from agent.settings import Settings, load_settings
from tests.unit.settings.test_settings import TENANT


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "agent.toml").write_text('[inbox]\nfolder = "inbox"\n' + TENANT, encoding="utf-8")
    (tmp_path / "inbox").mkdir()
    return load_settings(tmp_path / "agent.toml")


@pytest.fixture
async def queue(settings: Settings) -> AsyncIterator[Queue]:
    opened = open_queue(settings)
    await opened.open(limits_of(settings))
    yield opened
    await opened.close()


@pytest.fixture
def folder(settings: Settings) -> Path:
    assert settings.inbox.folder is not None
    return settings.inbox.folder


@pytest.fixture
def inbox(settings: Settings, queue: Queue) -> Inbox:
    return Inbox(settings, queue)


def job(key: str = "k-1", email: str = "ana@example.com") -> dict[str, Any]:
    """A job that reads somebody."""
    reason = {"ticket": "T", "requested_by": "hr@example.com", "approved_by": "it@example.com"}
    return {"action": "read", "idempotency_key": key, "reason": reason, "person": {"email": email}}


async def looks(inbox: Inbox, times: int = 2) -> None:
    for _ in range(times):
        await inbox.look()


async def jobs(queue: Queue) -> list[str | None]:
    return [record.request_key for record in await queue.jobs(JobFilter())]


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


async def test_a_file_that_has_come_to_rest_is_taken_and_filed_away(inbox: Inbox, queue: Queue, folder: Path) -> None:
    """Not at the first look: it might be growing still."""
    (folder / "people.json").write_text(json.dumps([job(), job("k-2", "bo@example.com")]), encoding="utf-8")
    await looks(inbox, 1)
    assert await jobs(queue) == []
    await looks(inbox, 1)
    assert await jobs(queue) == ["k-1", "k-2"]
    assert files(folder) == ["accepted/people.json"]
    record = await queue.job(1)
    assert (record.created_by, record.batch) == (f"inbox:{account_name(os.getuid())}", "inbox:people.json")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another account")
@pytest.mark.parametrize(("owner", "name"), [(65534, "inbox:nobody"), (54321, "inbox:uid-54321")])
async def test_who_submits_is_the_files_owner(inbox: Inbox, queue: Queue, folder: Path, owner: int, name: str) -> None:
    """The kernel tells it, not the file: four eyes has somebody to compare with, an account without a name, too."""
    path = folder / "people.json"
    path.write_text(json.dumps(job()), encoding="utf-8")
    os.chown(path, owner, -1)
    await looks(inbox)
    record = await queue.job(1)
    assert record.created_by == name
    with pytest.raises(Refused, match="submitted this job"):
        refuse_approver(askers_of(record, job_of(record), ()), name.removeprefix("inbox:"), PolicyRules())


async def test_a_file_with_a_second_name_is_rejected(inbox: Inbox, queue: Queue, folder: Path, tmp_path: Path) -> None:
    """Somebody else's file, linked into the inbox, would be submitted in that person's name."""
    theirs = tmp_path / "theirs.json"
    theirs.write_text(json.dumps(job()), encoding="utf-8")
    os.link(theirs, folder / "people.json")
    await looks(inbox)
    assert await jobs(queue) == []
    assert "a hard link" in (folder / "rejected" / "people.json.reason.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [".people.json", "people.json.tmp", "people.json.part"])
async def test_unfinished_names_are_left_alone(inbox: Inbox, queue: Queue, folder: Path, name: str) -> None:
    """The sender renames when it is done."""
    (folder / name).write_text(json.dumps(job()), encoding="utf-8")
    await looks(inbox, 3)
    assert await jobs(queue) == []
    assert files(folder) == [name]


async def test_a_file_that_grows_is_not_taken(inbox: Inbox, queue: Queue, folder: Path) -> None:
    """Each look differs from the one before."""
    file = folder / "people.jsonl"
    for number in range(3):
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(job(f"k-{number}", f"p{number}@example.com")) + "\n")
        await looks(inbox, 1)
        assert await jobs(queue) == []
    await looks(inbox, 1)
    assert len(await jobs(queue)) == 3


async def test_a_file_that_somebody_has_open_for_writing_is_not_taken(inbox: Inbox, queue: Queue, folder: Path) -> None:
    """A slow sender that pauses longer than two looks; where the system tells (leases), it is waited for."""
    file = folder / "people.json"
    with file.open("w", encoding="utf-8") as out:
        out.write(json.dumps(job()))
        out.flush()
        if not dropped.is_being_written(file):
            pytest.skip("this file system has no leases")
        await looks(inbox, 4)
        assert await jobs(queue) == []
    await looks(inbox, 2)
    assert await jobs(queue) == ["k-1"]


async def test_a_bad_file_is_rejected_as_a_whole_with_every_reason_beside_it(
    inbox: Inbox, queue: Queue, folder: Path
) -> None:
    """Nothing of it is in the queue."""
    bad = {**job("k-2"), "action": "raed"}
    (folder / "people.jsonl").write_text(f"{json.dumps(job())}\n{json.dumps(bad)}\nnonsense\n", encoding="utf-8")
    await looks(inbox)
    assert await jobs(queue) == []
    assert files(folder) == ["rejected/people.jsonl", "rejected/people.jsonl.reason.txt"]
    reason = (folder / "rejected/people.jsonl.reason.txt").read_text(encoding="utf-8")
    assert "line 2: $.action: there is no action 'raed'" in reason
    assert "line 3, column 1: is not JSON" in reason
    assert "no job of it is in the queue" in reason


def _link(folder: Path) -> None:
    outside = folder.parent / "outside.json"
    outside.write_text(json.dumps(job()), encoding="utf-8")
    (folder / "x.json").symlink_to(outside)


def _fifo(folder: Path) -> None:
    os.mkfifo(folder / "x.json")


def _socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        before = Path.cwd()
        os.chdir(folder)  # a socket's path is short
        try:
            made.bind("x.json")
        finally:
            os.chdir(before)


def _huge(folder: Path) -> None:
    with (folder / "x.json").open("wb") as file:
        file.truncate(2**31)


def _holding(data: bytes, name: str = "x.json") -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return make


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_link, "Links are not followed"),
        (_fifo, "not an ordinary file"),
        (_socket, "cannot be read"),
        (_huge, "bytes"),
        (_holding(b""), "empty"),
        (_holding(b" \n"), "empty"),
        (_holding(bytes(range(256))), "UTF-8"),
        (_holding(b"{}", "x.exe"), "ends with none of"),
        (_holding(b"{}", "x"), "ends with none of"),
        (_holding(b'{"a": NaN}'), "NaN"),
        (_holding(b"[" * 100_000), "nested"),
    ],
)
async def test_odd_things_are_refused_and_never_followed(
    inbox: Inbox, queue: Queue, folder: Path, make: Callable[[Path], None], words: str
) -> None:
    """Links, pipes, sockets, huge, empty and binary files: filed away with a reason, and the next file is taken."""
    make(folder)
    (folder / "z.json").write_text(json.dumps(job("z")), encoding="utf-8")
    await looks(inbox)
    reasons = list((folder / "rejected").glob("*.reason.txt"))
    assert len(reasons) == 1
    assert words in reasons[0].read_text(encoding="utf-8")
    assert await jobs(queue) == ["z"]
    assert not list((folder / ".taken").iterdir())


@pytest.mark.parametrize(
    "name",
    [
        os.fsdecode(b"\xff\xfe.json"),
        "new\nline.json",
        "[bold]x[red].json",
        "é" * 100 + ".json",
        "a" * 250 + ".json",
        "-rf.json",
        "%s.json",
    ],
)
async def test_odd_names_are_only_names(inbox: Inbox, queue: Queue, folder: Path, name: str) -> None:
    """A bad file of any name is rejected with a reason that can be read, and a good one is taken."""
    (folder / name).write_bytes(b"{}")
    await looks(inbox)
    (note,) = (folder / "rejected").glob("*.reason.txt")
    assert "was not taken" in note.read_text(encoding="utf-8").splitlines()[0]
    (folder / name).write_text(json.dumps(job()), encoding="utf-8")
    await looks(inbox)
    assert await jobs(queue) == ["k-1"]


async def test_a_crash_between_the_queue_and_the_filing_away_submits_once(
    settings: Settings, queue: Queue, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start takes the claimed file again; the request keys are known, so nothing is added."""
    (folder / "people.json").write_text(json.dumps(job()), encoding="utf-8")

    class Killed(BaseException):
        pass

    def die(path: Path, inbox: Path) -> Path:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(dropped, "accept", die)
        dying = Inbox(settings, queue)
        await dying.look()
        with pytest.raises(Killed):
            await dying.look()
    assert await jobs(queue) == ["k-1"]
    assert files(folder) == [".taken/people.json"]
    await Inbox(settings, queue).look()
    assert await jobs(queue) == ["k-1"]
    assert files(folder) == ["accepted/people.json"]


async def test_the_same_file_twice_is_two_files_and_one_job(inbox: Inbox, queue: Queue, folder: Path) -> None:
    """Names in accepted/ do not overwrite each other."""
    for _ in range(2):
        (folder / "people.json").write_text(json.dumps(job()), encoding="utf-8")
        await looks(inbox)
    assert await jobs(queue) == ["k-1"]
    assert files(folder) == ["accepted/people-2.json", "accepted/people.json"]


async def test_a_known_key_with_another_wish_is_rejected(inbox: Inbox, queue: Queue, folder: Path) -> None:
    """The reason names the code."""
    for email in ("ana@example.com", "bo@example.com"):
        (folder / "people.json").write_text(json.dumps(job(email=email)), encoding="utf-8")
        await looks(inbox)
    assert "request-key-reused" in (folder / "rejected/people.json.reason.txt").read_text(encoding="utf-8")
    assert len(await jobs(queue)) == 1


async def test_a_full_disk_leaves_the_file_for_later(
    inbox: Inbox, queue: Queue, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not the sender's fault; trouble is told in the status until it is over."""
    (folder / "people.json").write_text(json.dumps(job()), encoding="utf-8")

    async def full(new: Any) -> Any:
        raise Failed("queue-unwritable", "The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(queue, "submit", full)
        await looks(inbox, 3)
        assert inbox.trouble == "The disk is full."
        assert files(folder) == [".taken/people.json"]
    await looks(inbox, 1)
    assert inbox.trouble == ""
    assert files(folder) == ["accepted/people.json"]
    assert await jobs(queue) == ["k-1"]


async def test_a_folder_that_is_gone_is_trouble_and_no_end(inbox: Inbox, folder: Path) -> None:
    """It is made again where that can be; where it cannot, the agent says so and goes on."""
    _become_a_file(folder)
    await looks(inbox, 1)
    assert inbox.trouble
    _go(folder)
    await looks(inbox, 1)
    assert inbox.trouble == ""
    (folder / "people.json").write_text(json.dumps(job()), encoding="utf-8")


def _become_a_file(folder: Path) -> None:
    folder.rmdir()
    folder.write_text("a file in its place", encoding="utf-8")


def _go(folder: Path) -> None:
    folder.unlink()


@pytest.mark.parametrize("name", [".taken", "accepted", "rejected"])
async def test_no_link_leads_the_inbox_elsewhere(
    inbox: Inbox, queue: Queue, folder: Path, tmp_path: Path, name: str
) -> None:
    """Senders may write here; a link in place of one of our folders must not let them move the agent's own files."""
    state = tmp_path / "state"
    state.mkdir()
    (state / "operators.json").write_text("{}", encoding="utf-8")
    (folder / name).symlink_to(state)
    (folder / "people.json").write_text(json.dumps(job()), encoding="utf-8")
    (folder / "bad.json").write_text("nonsense", encoding="utf-8")
    await looks(inbox, 3)
    assert [path.name for path in state.iterdir()] == ["operators.json"]
    if name == ".taken":
        assert "not a link" in inbox.trouble
        (folder / name).unlink()
    await looks(inbox, 3)
    assert inbox.trouble == ""
    assert await jobs(queue) == ["k-1"]
