"""``agent debug`` on real jobs of the sandbox whose pages were changed: it names the place and proposes the element."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from playwright.async_api import Browser

from agent.debugging.diagnosis import Diagnosis, diagnose
from agent.debugging.frozen_look import FrozenLook
from agent.debugging.likeness import Surroundings, nearest
from agent.debugging.output import write
from agent.debugging.proposal import selector_for
from agent.debugging.trouble import keys_met, told_in
from agent.debugging.wanted import wanted_by
from agent.execute.outcome import Verdict
from agent.recording.kept import KeptJob
from agent.recording.serving import FrozenPages
from fixtures.running import browser_path
from flows import Catalogue
from flows.catalogue import Match
from tests.browser.jobs.conftest import ANA, ENGINEER, Desk, job, provision

ROOT = Path(__file__).resolve().parents[3]
UPDATE = job("update", person={"email": ANA, "attributes": {"job_title": "Site Manager"}})


def rename(desk: Desk, folder: Path, key: str, old: str, new: str) -> None:
    """From now on the desk's catalogue calls this place otherwise than the pages do."""
    text = Catalogue.load().source
    at = text.index(f'[hooks."{key}"]')
    changed = text[:at] + text[at:].replace(old, new, 1)
    assert changed != text
    copy = folder / "selectors.toml"
    copy.write_text(changed, encoding="utf-8")
    paths = desk.place.settings.paths.model_copy(update={"selectors": copy})
    desk.place.settings = desk.place.settings.model_copy(update={"paths": paths})


def put_ana(desk: Desk) -> None:
    """Ana as she is before the job."""
    desk.put(ANA, values={"last_name": "Lindqvist", "company_template": "Field Staff", "default_template": ENGINEER})


async def debugged(folder: Path, into: Path) -> Diagnosis:
    """The diagnosis of a job, written."""
    diagnosis = await diagnose(KeptJob(folder), Catalogue.load(), Path(browser_path()), into=str(into / "reproduce"))
    write(diagnosis, into)
    return diagnosis


async def test_a_control_that_was_renamed(desk: Desk, tmp_path: Path) -> None:
    """The Save button has another value than the catalogue says. It comes first, before its dangerous neighbour."""
    rename(desk, tmp_path, "edit_user.save", 'value="save"', 'value="keep"')
    put_ana(desk)
    ran = await desk.run(UPDATE)
    assert ran.outcome.verdict is Verdict.FAILED
    diagnosis = await debugged(ran.evidence, tmp_path / "out")
    assert [suspect.missed.key for suspect in diagnosis.suspects] == ["edit_user.save"]
    assert (diagnosis.trouble.step, diagnosis.trouble.state) == (1, "not sent")
    first = diagnosis.suspects[0].proposals[0]
    assert 'value="save"' in first.element
    assert first.matches == 1
    assert diagnosis.page is not None
    assert diagnosis.page.url.endswith("/edit")
    entry = tomllib.loads((tmp_path / "out" / "proposals.toml").read_text(encoding="utf-8"))["hooks"]["edit_user.save"]
    assert entry["selector"] == 'form#edit_user button[name="commit"][value="save"]'
    assert (entry["mark"], entry["match"]) == ("I", "one")
    assert "not checked" in entry["note"]
    assert (tmp_path / "out" / "page.png").read_bytes().startswith(b"\x89PNG")
    assert 'value="Site Manager"' in (tmp_path / "out" / "page.html").read_text(encoding="utf-8")


async def test_a_page_that_changed(desk: Desk, tmp_path: Path) -> None:
    """The Edit form has lost its id: the key is named, the form comes first, and the sandbox can be told to do it."""
    desk.fault("edit_page", "remove_hook", hook='id="edit_user"', times=9)
    put_ana(desk)
    ran = await desk.run(UPDATE)
    diagnosis = await debugged(ran.evidence, tmp_path / "out")
    suspect = next(item for item in diagnosis.suspects if item.missed.key == "edit_user.form")
    assert suspect.proposals[0].element.startswith("<form")
    assert "/company/directory/users/" in suspect.proposals[0].element
    faults = json.loads((tmp_path / "out" / "reproduce" / "faults.json").read_text(encoding="utf-8"))
    assert {"effect": "remove_hook", "hook": 'id="edit_user"'}.items() <= faults[0].items()
    desk.sandbox.post("/faults", faults)  # it takes them as they are
    desk.sandbox.forget_faults()
    people = json.loads((tmp_path / "out" / "reproduce" / "people.json").read_text(encoding="utf-8"))
    desk.sandbox.post("/people", people)
    assert "Lindqvist" not in (tmp_path / "out" / "reproduce" / "job.json").read_text(encoding="utf-8")
    assert desk.person(people[0]["email_address"]) is not None


async def test_trouble_before_the_recording_began(desk: Desk, tmp_path: Path) -> None:
    """While signing in nothing is recorded: the place is named all the same, and why there is no page is said."""
    rename(desk, tmp_path, "list.row", 'data-qa="tableRow"', 'data-qa="personRow"')
    ran = await desk.run(UPDATE)
    diagnosis = await debugged(ran.evidence, tmp_path / "out")
    assert [suspect.missed.key for suspect in diagnosis.suspects] == ["list.row"]
    assert diagnosis.page is None
    assert "after the sign-in" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


async def test_jobs_that_went_well_or_were_cut_off(desk: Desk, frozen: Browser, tmp_path: Path) -> None:
    """One job, looked at in four ways.

    As it is: it went well, which is said kindly. Cut off: what can be told is told. On the command line, as a
    document. And as an exam: each hook of the catalogue renamed on the pages where it found something; of ten such
    elements at least eight come first.
    """
    ran = await desk.run(provision())
    assert ran.outcome.verdict is Verdict.DONE
    well = await debugged(ran.evidence, tmp_path / "well")
    assert (well.trouble.went_well, well.suspects) == (True, ())
    assert "This job went well" in (tmp_path / "well" / "index.html").read_text(encoding="utf-8")

    cut = ran.evidence.with_name("000000-provision-cut")
    shutil.copytree(ran.evidence, cut)
    (cut / "outcome.json").unlink()
    log = (cut / "log.jsonl").read_text(encoding="utf-8")
    (cut / "log.jsonl").write_text(log[: log.index('"write-answered"') + 5], encoding="utf-8")
    interrupted = await debugged(cut, tmp_path / "cut")
    assert interrupted.trouble.verdict == "interrupted"
    assert interrupted.trouble.state == "unknown"
    assert interrupted.page is not None

    document = on_the_command_line(cut, tmp_path)
    assert document["trouble"]["verdict"] == "interrupted"
    assert all(Path(name).is_relative_to(tmp_path / "again") for name in document["files"])

    asked, first = await exam(KeptJob(ran.evidence), frozen)
    assert asked > 30
    assert first / asked >= 0.8, f"{first} of {asked}"


def on_the_command_line(folder: Path, room: Path) -> dict[str, Any]:
    """What the command says of a job, as one document; its files are there."""
    ended = subprocess.run(
        [sys.executable, "-m", "agent", "debug", str(folder), "--json", "-o", str(room / "again")],
        cwd=room,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ended.returncode == 0, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    assert [name for name in document["files"] if not Path(name).exists()] == []
    return document


async def exam(kept: KeptJob, browser: Browser) -> tuple[int, int]:
    """How many hooks were renamed, and for how many the page's own element came first."""
    catalogue, recording, met = Catalogue.load(), kept.open(), keys_met(told_in(kept.folder))
    asked = first = 0
    done: set[tuple[str, str]] = set()
    async with FrozenPages(browser, recording) as pages:
        page = None
        for snapshot in recording.pages:
            path = snapshot.url.partition("?")[0]
            if (path, str(snapshot.root.size)) in done:
                continue
            done.add((path, str(snapshot.root.size)))
            page = await pages.open(snapshot, page)
            look = FrozenLook(page)
            around, _ = await look.around(catalogue, met)
            for key in sorted({key for keys in around.known.values() for key in keys}):
                hook = catalogue.hooks[key]
                places = [place for place, keys in around.known.items() if key in keys]
                renamed = otherwise(hook.selector)
                general = key.startswith(("shell.", "overlay.", "sign_in."))
                if (
                    general
                    or (key, path) in done
                    or renamed is None
                    or (len(places) > 1 and hook.match is not Match.MANY)
                ):
                    continue
                done.add((key, path))
                others = {place: tuple(other for other in keys if other != key) for place, keys in around.known.items()}
                known = Surroundings({place: keys for place, keys in others.items() if keys}, around.visible)
                found = nearest(snapshot.root, wanted_by(renamed), key, hook.note, known)
                asked += 1
                if found and found[0].path in places:
                    first += 1
                    alone = hook.match is not Match.MANY
                    assert selector_for(found[0], wanted_by(renamed), {}, snapshot.root, alone=alone) is not None
    return asked, first


def otherwise(selector: str) -> str | None:
    """The selector with another word in its last name; None when it has none."""
    names = list(re.finditer(r'="([^"{}]+)"|#([A-Za-z_][\w-]+)|text-is\("([^"{}]+)"\)', selector))
    if not names:
        return None
    group = next(number for number in (1, 2, 3) if names[-1].group(number))
    begin, end = names[-1].span(group)
    words = {"user": "person", "edit": "modify", "save": "store"}
    name = selector[begin:end]
    other = re.sub(r"[A-Za-z]+", lambda word: words.get(word.group().lower(), word.group()), name)
    return f"{selector[:begin]}{other if other != name else 'new-' + name}{selector[end:]}"
