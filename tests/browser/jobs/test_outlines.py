"""What a job touched is outlined in its evidence where it is on the page, for every way of writing there is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Locator, Page

from agent.execute.events import Event, WriteSending
from agent.execute.outcome import Verdict
from tests.browser.jobs.conftest import ANA, ENGINEER, FOREMAN, Desk, Ran, job, provision, reactivation

Place = tuple[float, float, float, float]


@dataclass
class Surveyor:
    """Asks the browser, right before each write, where the controls are that the words of the page name."""

    pressed: str
    fields: tuple[str, ...] = ()
    seen: list[dict[str, Place]] = field(default_factory=list)

    async def notify(self, event: Event) -> None:
        """Survey the page of a write; nothing else concerns it."""
        if not isinstance(event, WriteSending):
            return
        page = event.page
        window = page.locator(".confirm-window, .ui-dialog, [role=dialog]").last
        within = window if await window.count() and await window.is_visible() else page.locator("body")
        found = {self.pressed: await _place(page, within.get_by_role("button", name=self.pressed, exact=True).first)}
        for label in self.fields:
            found[label] = await _place(page, within.get_by_label(label).first)
        self.seen.append(found)


async def _place(page: Page, control: Locator) -> Place:
    """Where the control is in the window that is looked at, and how far that is scrolled."""
    box = await control.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"], box["height"]


def outlines(ran: Ran, number: int) -> tuple[dict[str, Place], dict[str, Place], dict[str, Any]]:
    """Fields and pressed controls of the picture of a step, and the line of the log."""
    lines = [json.loads(line) for line in (ran.evidence / "log.jsonl").read_text().splitlines()]
    forms = [line for line in lines if line["event"] == "picture" and "-form." in line["file"]]
    line = forms[number - 1]
    found: dict[str, dict[str, Place]] = {"set": {}, "pressed": {}}
    for box in line["boxes"]:
        found[box["kind"]][box["label"]] = (box["x"], box["y"], box["width"], box["height"])
    return found["set"], found["pressed"], line


def same(one: Place, other: Place, down: float = 0) -> bool:
    """Whether two places are one, to the pixel; ``down`` is how far the page was scrolled for one of them."""
    return all(abs(a - b) <= 1 for a, b in zip(one, (other[0], other[1] + down, *other[2:]), strict=True))


async def test_a_new_person_s_fields_and_the_button_are_outlined(desk: Desk) -> None:
    """Every field that the job sets, the design system's selects among them, and Create; no other field."""
    surveyor = Surveyor("Create", ("First Name", "Last Name", "Email Address", "Job Title"))
    ran = await desk.run(provision(projects=[], invitation=False), surveyor)
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    fields, pressed, line = outlines(ran, 1)
    assert set(fields) == {
        "First Name",
        "Last Name",
        "Email Address",
        "Job Title",
        "Project Permissions Template (Default)",
        "Company Permissions Template",
    }
    assert set(pressed) == {"Create"}
    (there,) = surveyor.seen
    assert same(pressed["Create"], there["Create"])
    assert all(same(fields[label], there[label]) for label in surveyor.fields)
    assert (line["width"], line["height"]) == (1280, 900)


async def test_a_saved_form_is_outlined_on_the_whole_page(desk: Desk) -> None:
    """Save stands below the fold: the outline is where it is on the whole page that the picture shows."""
    desk.put(ANA, values={"first_name": "Ana", "last_name": "Berg", "company_template": "Read Only"})
    surveyor = Surveyor("Save", ("Job Title",))
    change = job(
        "update",
        person={"email": ANA, "attributes": {"job_title": "Foreman"}},
        company_access={"template": "Field Staff"},
    )
    ran = await desk.run(change, surveyor)
    assert ran.outcome.verdict is Verdict.DONE, ran.outcome
    fields, pressed, line = outlines(ran, 1)
    assert "Job Title" in fields
    assert any("Company Permission" in label for label in fields)
    assert not {"First Name", "Last Name", "Email Address"} & set(fields)
    (there,) = surveyor.seen
    down = pressed["Save"][1] - there["Save"][1]
    assert line["height"] > 900
    assert -1 <= down < line["height"]
    assert same(pressed["Save"], there["Save"], down)
    assert same(fields["Job Title"], there["Job Title"], down), "scrolled by as much as the button"
    assert pressed["Save"][1] + pressed["Save"][3] <= line["height"]


async def test_every_other_write_has_its_control_outlined(desk: Desk) -> None:
    """Adding to a project, changing a template, removing, inactivating, reactivating, inviting: the button pressed."""
    desk.put(ANA, values={"first_name": "Ana", "last_name": "Berg", "company_template": "Read Only"})
    first = await desk.run(
        job("add_to_projects", person={"email": ANA}, projects=[{"project": "24-001", "template": FOREMAN}])
    )
    change = await desk.run(
        job("add_to_projects", person={"email": ANA}, projects=[{"project": "24-001", "template": ENGINEER}])
    )
    invite = await desk.run(job("invite", person={"email": ANA}))
    off = await desk.run(job("offboard", person={"email": ANA}))
    back = await desk.run(reactivation(ANA))
    assert {ran.outcome.verdict for ran in (first, change, invite, off, back)} == {Verdict.DONE}
    fields, pressed, _ = outlines(first, 1)
    assert (set(fields), set(pressed)) == ({"Permission Template"}, {"Add"})
    fields, pressed, _ = outlines(change, 1)
    assert len(fields) == 1
    assert set(pressed) == {"Apply"}
    assert set(outlines(invite, 1)[1]) == {"Invite"}
    buttons = [set(outlines(off, number)[1]) for number in range(1, len(off.outcome.steps) + 1)]
    assert buttons[-1] == {"Inactivate"}
    assert all(len(found) == 1 for found in buttons)
    assert {"Reactivate"} in [set(outlines(back, number)[1]) for number in range(1, len(back.outcome.steps) + 1)]
