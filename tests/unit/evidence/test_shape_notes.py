"""What is kept of a region that is not as known: findings, both shapes, and a picture of the two side by side."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image

from agent.credentials.known import KnownSecrets
from agent.evidence.record import read_record
from agent.evidence.recorder import EvidenceRecorder
from agent.evidence.shape_picture import draw
from agent.execute.events import JobEnded, JobStarted, ShapeExamined
from agent.execute.outcome import Outcome, Verdict
from flows import Examined
from tests.unit.evidence import story

ROWS = (
    ("last_name: text user[last_name] 'Last Name'", "text 'Last Name' (user[last_name])", ""),
    ("zip: text user[zip] 'ZIP'", "text 'City' (user[zip])", "dangerous"),
    ("job_title: text user[job_title] 'Job Title'", "text 'Position' (user[job_title])", "degraded"),
    ("", "text 'Cost Center' (user[cost_center])", "dangerous"),
)
WHEN = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)
RED, AMBER = (198, 40, 40), (178, 106, 0)


def examined(severity: Literal["same", "degraded", "dangerous"]) -> ShapeExamined:
    """A comparison with this result."""
    findings = () if severity == "same" else ("words-of-another: zip: expected 'ZIP', seen 'City', which is city",)
    return ShapeExamined(Examined("add_user", "add_user.form", severity, findings, {"a": 1}, {"b": 2}, ROWS))


@pytest.fixture
def to(tmp_path: Path, traces_dir: Path, known: KnownSecrets) -> EvidenceRecorder:
    """The recorder of one job."""
    return story.recorder(tmp_path, traces_dir, known)


async def kept(to: EvidenceRecorder, severity: Literal["same", "degraded", "dangerous"]) -> Path:
    """The sealed folder of a job that has met this."""
    await to.notify(JobStarted(story.job(), "acme", WHEN))
    await to.notify(examined(severity))
    await to.notify(JobEnded(Outcome(verdict=Verdict.FAILED, summary="The page is not as known."), WHEN))
    assert to.folder is not None
    return to.folder


async def test_a_dangerous_difference_is_kept_with_a_picture(to: EvidenceRecorder) -> None:
    """Findings and shapes as JSON, both side by side as a picture, in the log and in the report."""
    folder = await kept(to, "dangerous")

    told = json.loads((folder / "shape-1.json").read_bytes())
    assert (told["flow"], told["region"], told["severity"]) == ("add_user", "add_user.form", "dangerous")
    assert (told["seen"], told["known"]) == ({"a": 1}, {"b": 2})
    assert "ZIP" in told["findings"][0]
    pictures = [line for line in read_record(folder).lines if line["event"] == "picture"]
    assert [line["file"] for line in pictures] == ["pictures/shape-1.webp"]
    with Image.open(folder / "pictures" / "shape-1.webp") as picture:
        assert picture.width > picture.height / 2
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "add_user.form" in report
    assert "as known (left) and as it was (right)" in report


async def test_a_difference_that_the_write_does_not_depend_on_is_told_in_words(to: EvidenceRecorder) -> None:
    """No picture: that could come with every job for weeks."""
    folder = await kept(to, "degraded")

    assert (folder / "shape-1.json").is_file()
    assert not list((folder / "pictures").glob("*"))
    assert [line["region"] for line in read_record(folder).lines if line["event"] == "shape-differs"] == [
        "add_user.form"
    ]


async def test_what_is_as_known_leaves_no_trace(to: EvidenceRecorder) -> None:
    """Every write is preceded by a comparison; a good one is no news."""
    folder = await kept(to, "same")

    assert not (folder / "shape-1.json").exists()


def colours(jpeg: bytes) -> Image.Image:
    """The picture."""
    return Image.open(io.BytesIO(jpeg)).convert("RGB")


def has(picture: Image.Image, colour: tuple[int, int, int]) -> bool:
    """Whether there is anything of about this colour in the picture."""
    found = picture.getcolors(picture.width * picture.height) or []
    return any(
        isinstance(pixel, tuple) and all(abs(one - other) < 40 for one, other in zip(pixel, colour, strict=True))
        for _, pixel in found
    )


def test_what_differs_is_outlined_and_comes_first() -> None:
    """Dangerous in red, degraded in amber; what is the same has no outline."""
    assert has(colours(draw("t", ROWS, str)), RED)
    assert has(colours(draw("t", ROWS[2:3], str)), AMBER)
    assert not has(colours(draw("t", ROWS[:1], str)), RED)
    many = [ROWS[0]] * 200 + [ROWS[1]]
    assert has(colours(draw("t", many, str)), RED), "however many rows are left out"


def test_every_text_of_the_picture_passes_the_mask() -> None:
    """A secret or another person in a label is no more in the picture than in a file."""
    seen: list[str] = []

    def mask(text: str) -> str:
        seen.append(text)
        return "***"

    draw("The title", ROWS, mask)

    assert {"The title", *(text for row in ROWS for text in row[:2])} == set(seen)
