"""The manifest: every change to a sealed folder is told, by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.audit.canonical import canonical
from agent.evidence.check import EvidenceBroken, check
from agent.evidence.folder import EvidenceFolder, canonical_json
from agent.evidence.manifest import versions, write_manifest
from tests.unit.evidence import story


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A small sealed folder."""
    folder = EvidenceFolder.create(tmp_path, "northwind", story.STARTED, "a-1")
    folder.write_json("plan.json", {"b": 1, "a": "ä"})
    folder.write_bytes("pictures/01.jpg", b"\xff\xd8picture")
    folder.remove("PARTIAL")
    request = {"job_id": "a-1", "tenant": "northwind"}
    write_manifest(folder, request=request, verdict="done", at=story.STARTED, made_with=versions())
    return folder.path


def test_untouched_folder_passes(sealed: Path) -> None:
    """The check gives the manifest back, with everything it says."""
    manifest = check(sealed)
    assert [entry.path for entry in manifest.files] == ["pictures/01.jpg", "plan.json"]
    assert manifest.sealed_at == "2026-11-22T09:15:02.120Z"


def same_size(folder: Path) -> None:
    """Change one byte, keep the size."""
    data = (folder / "plan.json").read_bytes()
    (folder / "plan.json").write_bytes(data.replace(b"1", b"2"))


def linked(folder: Path) -> None:
    """Replace a file by a link to the same content."""
    target = folder.parent / "elsewhere.jpg"
    (folder / "pictures/01.jpg").rename(target)
    (folder / "pictures/01.jpg").symlink_to(target)


def edited(name: str, value: object) -> Callable[[Path], None]:
    """Change one member of the manifest."""

    def edit(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        manifest[name] = value
        (folder / "manifest.json").write_bytes(canonical(manifest))

    return edit


TAMPERED: dict[str, tuple[Callable[[Path], object], str]] = {
    "changed": (same_size, "plan.json was changed"),
    "removed": (lambda folder: (folder / "plan.json").unlink(), "plan.json was removed"),
    "added": (lambda folder: (folder / "pictures/02.jpg").write_bytes(b"x"), "pictures/02.jpg was added"),
    "hidden file added": (lambda folder: (folder / ".hidden").write_bytes(b""), ".hidden was added"),
    "replaced by a link": (linked, "pictures/01.jpg was replaced by a link"),
    "link added": (lambda folder: (folder / "link").symlink_to("/etc"), "link was added"),
    "marked unfinished": (lambda folder: (folder / "PARTIAL").write_text(""), "unfinished"),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "cannot be read"),
    "manifest is no JSON": (lambda folder: (folder / "manifest.json").write_text("{"), "damaged"),
    "manifest reformatted": (
        lambda folder: (folder / "manifest.json").write_text((folder / "manifest.json").read_text() + "\n"),
        "not in the form",
    ),
    "manifest of another format": (edited("format", 1), "damaged"),
    "manifest with more in it": (edited("extra", 1), "damaged"),
    "manifest without files": (edited("files", []), "was added"),
    "manifest naming the report": (
        edited("files", [{"path": "report.html", "bytes": 1, "sha256": "0" * 64}]),
        "lists report.html, which is never listed",
    ),
    "manifest naming a file outside": (
        edited("files", [{"path": "../../etc/passwd", "bytes": 1, "sha256": "0" * 64}]),
        "outside the folder",
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", TAMPERED)
def test_tampering_is_told(sealed: Path, way: str) -> None:
    """Each planted violation is found, and named."""
    tamper, told = TAMPERED[way]
    tamper(sealed)
    with pytest.raises(EvidenceBroken, match=told.replace(".", r"\.")):
        check(sealed)


def test_all_problems_at_once(sealed: Path) -> None:
    """A check does not stop at the first difference."""
    same_size(sealed)
    (sealed / "pictures/01.jpg").unlink()
    (sealed / "new").write_text("")
    with pytest.raises(EvidenceBroken) as caught:
        check(sealed)
    assert set(caught.value.problems) == {"plan.json was changed", "pictures/01.jpg was removed", "new was added"}


def test_report_is_not_the_manifests_business(sealed: Path) -> None:
    """The report is made after the seal, so it may come, change and go; the ledger vouches for it."""
    (sealed / "report.html").write_text("a report")
    assert "report.html" not in {entry.path for entry in check(sealed).files}


def test_canonical_json_is_canonical() -> None:
    """The same value gives the same bytes whatever the order it was made in; text is UTF-8 as it is."""
    assert canonical_json({"b": [1, "ä"], "a": None}) == canonical_json({"a": None, "b": [1, "ä"]})
    assert canonical_json({"b": "ä"}) == '{\n  "b": "ä"\n}\n'.encode()
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))
