"""Puts together what an engineer needs to know of one job."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from playwright.async_api import Error as BrowserError

from agent.browser.find import find_browser
from agent.debugging import around
from agent.debugging.frozen_look import FrozenLook
from agent.debugging.likeness import Candidate, Surroundings, nearest
from agent.debugging.proposal import entry, filled, selector_for
from agent.debugging.reproduction import Reproduction, reproduction
from agent.debugging.trouble import Missed, Trouble, keys_met, told_in, trouble_of
from agent.debugging.wanted import wanted_by
from agent.errors import AgentError
from agent.evidence.objects import INDEX, ObjectStore
from agent.evidence.readings import CATALOGUE
from agent.evidence.record import Record, read_record
from agent.recording.archive import RecordingNotUnderstood
from agent.recording.kept import KeptJob
from agent.recording.nodes import Path as Place
from agent.recording.nodes import walk
from agent.recording.recording import Recording
from agent.recording.serving import FrozenPages, frozen_browser
from agent.recording.snapshots import Snapshot
from flows import Catalogue
from flows.catalogue import Match

_MOST = 5
_LONGEST_ELEMENT = 160


@dataclass(frozen=True)
class Proposal:
    """An element that may be meant, and what the catalogue would have to say for it."""

    number: int
    likeness: float
    element: str  # as markup: its tag and what tells it from others
    text: str
    why: tuple[str, ...]
    place: Place  # in the recorded page
    selector: str = ""  # empty: the element has nothing of its own to be held by
    counted: str = ""  # the same with its placeholders filled
    matches: int | None = None  # elements that the selector finds on the recorded page; None: nobody has counted
    toml: str = ""
    known_as: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suspect:
    """A place of the catalogue that was not as expected, and what may be there in its stead."""

    missed: Missed
    note: str
    mark: str
    proposals: tuple[Proposal, ...]


@dataclass(frozen=True)
class SeenPage:
    """The page as it stood."""

    url: str
    title: str
    at: str  # the name of the snapshot
    html: str = field(repr=False, default="")
    picture: bytes | None = field(repr=False, default=None)
    why_no_picture: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """All of it."""

    job_id: str
    folder: str
    action: str
    trouble: Trouble
    suspects: tuple[Suspect, ...]
    page: SeenPage | None
    why_no_page: str
    layers: tuple[tuple[str, str], ...]
    noises: tuple[around.Noise, ...]
    calls: tuple[around.Call, ...]
    steps: tuple[tuple[str, str, str, int | None], ...]
    log: tuple[Mapping[str, Any], ...]
    versions: Mapping[str, Any]
    reproduction: Reproduction
    catalogue_of_then: bool

    def document(self) -> dict[str, Any]:
        """For machines, without the page and its picture."""
        found = asdict(replace(self, trouble=replace(self.trouble, call=None)))
        if self.page is not None:
            found["page"] = {"url": self.page.url, "title": self.page.title, "snapshot": self.page.at}
        found["reproduction"].pop("files")
        for name in ("shell", "call"):
            found["trouble"].pop(name)
        return found


async def diagnose(job: KeptJob, today: Catalogue, browser: Path | None, *, into: str) -> Diagnosis:
    """Everything about a job's trouble; ``into`` is where the files for reproducing it will lie.

    Works with whatever the folder has: without a recording there is no page, without a browser no picture. The
    catalogue of then is used where it was kept, else ``today``.
    """
    record = read_record(job.folder)
    recordings, why_no_page = _recordings(job)
    catalogue, of_then = _catalogue(job, today)
    told = told_in(job.folder)
    trouble = trouble_of(record, told, recordings, catalogue)
    recording, snapshot = _page_of(trouble, recordings)
    looked = await _look(recording, snapshot, trouble, catalogue, browser, job.job_id, keys_met(told))
    if recordings and snapshot is None:
        why_no_page = "the recording holds no page"
    return Diagnosis(
        job_id=job.job_id,
        folder=str(job.folder),
        action=str(record.job.get("action", "")),
        trouble=trouble,
        suspects=looked.suspects,
        page=looked.page,
        why_no_page=why_no_page,
        layers=looked.layers or _told_layers(trouble),
        noises=around.noises(recordings, trouble.wall),
        calls=around.calls(recordings, trouble.wall),
        steps=around.step_times(record),
        log=around.excerpt(record),
        versions=_versions(record),
        reproduction=reproduction(record, trouble, into),
        catalogue_of_then=of_then,
    )


def _recordings(job: KeptJob) -> tuple[list[Recording], str]:
    """What can be read, and why not more."""
    found, why = [], ""
    if not job.recordings:
        return [], "the job has no recording (one begins after the sign-in)"
    for number in range(1, len(job.recordings) + 1):
        try:
            found.append(job.open(number))
        except RecordingNotUnderstood as error:
            why = error.message
    return found, why


def _catalogue(job: KeptJob, today: Catalogue) -> tuple[Catalogue, bool]:
    try:
        index = json.loads((job.folder / INDEX).read_bytes())
        text = ObjectStore.beside(job.folder).read(str(index[CATALOGUE]["sha256"])).decode()
        return Catalogue.parse(text, f"{job.job_id}: {CATALOGUE}"), True
    except (OSError, ValueError, KeyError, TypeError, AgentError):
        return today, False


def _page_of(trouble: Trouble, recordings: Sequence[Recording]) -> tuple[Recording | None, Snapshot | None]:
    """The page as it stood: where a call failed the page it was on, else the first page recorded after the moment of
    trouble, since a page that was read stands in the recording with the next call."""
    if trouble.call is not None and (page := trouble.call[0].page_of(trouble.call[1])):
        return trouble.call[0], page
    for recording in reversed(recordings):
        moment = recording.monotonic_of(trouble.wall) if trouble.wall is not None else float("inf")
        page = recording.first_page_after(moment) or recording.last_page_before(moment)
        if page is not None:
            return recording, page
    return None, None


@dataclass(frozen=True)
class _Looked:
    suspects: tuple[Suspect, ...] = ()
    page: SeenPage | None = None
    layers: tuple[tuple[str, str], ...] = ()


async def _look(
    recording: Recording | None,
    snapshot: Snapshot | None,
    trouble: Trouble,
    catalogue: Catalogue,
    executable: Path | None,
    job_id: str,
    met: Collection[str],
) -> _Looked:
    """The page and the elements in it, with a browser where there is one that starts."""
    if recording is None or snapshot is None:
        return _Looked(tuple(_without_page(missed, catalogue) for missed in trouble.missed))
    page = SeenPage(snapshot.url, _title(snapshot), snapshot.name, recording.html(snapshot))
    blind = _suspects(snapshot, trouble, catalogue, Surroundings({}), job_id)
    if executable is None:
        return _Looked(blind, replace(page, why_no_picture="no browser was found"))
    try:
        async with frozen_browser(executable) as browser, FrozenPages(browser, recording) as pages:
            look = FrozenLook(await pages.open(snapshot))
            surroundings, layers = await look.around(catalogue, met)
            suspects = _suspects(snapshot, trouble, catalogue, surroundings, job_id)
            suspects = _counted(suspects, await look.counts(_selectors(suspects)))
            marks = [(str(item.number), item.place) for suspect in suspects for item in suspect.proposals]
            return _Looked(suspects, replace(page, picture=await look.picture(marks)), layers)
    except BrowserError as error:
        return _Looked(blind, replace(page, why_no_picture=str(error).split("\n", 1)[0]))


def _suspects(
    snapshot: Snapshot, trouble: Trouble, catalogue: Catalogue, surroundings: Surroundings, job_id: str
) -> tuple[Suspect, ...]:
    found, number = [], 0
    for missed in trouble.missed:
        bare = _without_page(missed, catalogue)
        wanted = wanted_by(missed.selector)
        hook = catalogue.hooks.get(missed.key)
        alone = hook is None or hook.match is not Match.MANY
        proposals = []
        for candidate in nearest(snapshot.root, wanted, missed.key, bare.note, surroundings, _MOST):
            number += 1
            selector = selector_for(candidate, wanted, missed.values, snapshot.root, alone=alone)
            proposals.append(
                Proposal(
                    number=number,
                    likeness=round(candidate.likeness, 2),
                    element=_markup(candidate),
                    text=candidate.text,
                    why=candidate.why,
                    place=candidate.path,
                    selector=selector,
                    counted=filled(selector, missed.values),
                    toml=entry(missed.key, hook, selector, job_id) if selector else "",
                    known_as=candidate.known_as,
                )
            )
        found.append(replace(bare, proposals=tuple(proposals)))
    return tuple(found)


def _without_page(missed: Missed, catalogue: Catalogue) -> Suspect:
    hook = catalogue.hooks.get(missed.key)
    return Suspect(missed, hook.note if hook else "", hook.mark.value if hook else "", ())


def _selectors(suspects: Sequence[Suspect]) -> list[str]:
    return [item.counted for suspect in suspects for item in suspect.proposals if item.counted]


def _counted(suspects: Sequence[Suspect], counts: Mapping[str, int]) -> tuple[Suspect, ...]:
    return tuple(
        replace(
            suspect,
            proposals=tuple(replace(item, matches=counts.get(item.counted)) for item in suspect.proposals),
        )
        for suspect in suspects
    )


def _markup(candidate: Candidate) -> str:
    """The opening tag, without what the recorder noted."""
    element = candidate.element
    given = "".join(
        f' {name}="{value}"' if value else f" {name}"
        for name, value in element.attributes.items()
        if not name.startswith("__playwright") and name != "style"
    )
    text = f"<{element.tag.lower()}{given}>"
    return text if len(text) <= _LONGEST_ELEMENT else text[: _LONGEST_ELEMENT - 2] + "…>"


def _title(snapshot: Snapshot) -> str:
    return next((element.text for _, element in walk(snapshot.root) if element.tag == "TITLE"), "").strip()


def _told_layers(trouble: Trouble) -> tuple[tuple[str, str], ...]:
    """Windows and overlays as the last reading told them."""
    overlays = [(f"overlay.{kind}", "") for kind in trouble.shell.get("overlays", ())]
    return (*overlays, *(("shell.layer", str(words)) for words in trouble.shell.get("unknown", ())))


def _versions(record: Record) -> Mapping[str, Any]:
    versions = record.session.get("versions")
    return versions if isinstance(versions, dict) else {}


def browser_for(executable: str | None) -> Path | None:
    """The browser that pages are looked at with; None when there is none."""
    try:
        return find_browser(executable)
    except AgentError:
        return None
