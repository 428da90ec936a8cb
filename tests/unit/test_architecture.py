"""Which way imports point, and what the repository must never contain."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: package prefix -> prefixes of ours that it must not import
FORBIDDEN = {
    "agent.domain": ("agent.", "flows", "fixtures"),
    "agent.errors": ("agent.", "flows", "fixtures"),
    "agent.jobs": ("agent.plan", "agent.policy", "agent.execute", "agent.evidence", "agent.commands", "flows"),
    "agent.plan": ("agent.policy", "agent.execute", "agent.evidence", "agent.browser", "agent.commands", "flows"),
    "agent.policy": ("agent.execute", "agent.evidence", "agent.browser", "agent.commands", "flows"),
    "agent.queue": (
        "agent.plan",
        "agent.execute",
        "agent.evidence",
        "agent.browser",
        "agent.worker",
        "agent.service",
        "agent.intake",
        "agent.schedule",
        "agent.commands",
        "flows",
    ),
    "agent.notify": ("agent.execute", "agent.evidence", "agent.worker", "agent.service", "agent.commands", "flows"),
    "agent.handover": ("agent.evidence", "agent.worker", "agent.service", "agent.commands", "flows"),
    "agent.schedule": ("agent.execute", "agent.evidence", "agent.worker", "agent.service", "agent.commands", "flows"),
    "agent.intake": (
        "agent.evidence",
        "agent.browser",
        "agent.schedule",
        "agent.worker",
        "agent.service",
        "agent.commands",
        "flows",
    ),
    "agent.worker": (
        "agent.intake",
        "agent.schedule",
        "agent.service",
        "agent.commands",
        "flows.page",
        "flows.legacy",
        "flows.mfe",
    ),
    "agent.service": ("agent.commands", "flows"),
    "agent.execute": (
        "agent.queue",
        "agent.worker",
        "agent.service",
        "agent.evidence",
        "agent.commands",
        "flows.page",
        "flows.legacy",
        "flows.mfe",
    ),
    "agent.evidence": ("agent.commands", "flows"),
    "agent.audit": (
        "agent.plan",
        "agent.policy",
        "agent.execute",
        "agent.browser",
        "agent.worker",
        "agent.service",
        "agent.intake",
        "agent.schedule",
        "agent.commands",
        "flows",
    ),
    "agent.replay": (
        "agent.queue",
        "agent.worker",
        "agent.service",
        "agent.commands",
        "agent.audit",
        "flows.page",
        "flows.legacy",
        "flows.mfe",
    ),
    "agent.recording": (
        "agent.execute",
        "agent.replay",
        "agent.debugging",
        "agent.worker",
        "agent.service",
        "agent.settings",
        "agent.commands",
        "flows",
    ),
    "agent.debugging": (
        "agent.worker",
        "agent.service",
        "agent.settings",
        "agent.commands",
        "flows.page",
        "flows.legacy",
        "flows.mfe",
    ),
    "agent.structure": (
        "agent.jobs",
        "agent.plan",
        "agent.queue",
        "agent.worker",
        "agent.service",
        "agent.settings",
        "agent.commands",
        "flows.page",
        "flows.legacy",
        "flows.mfe",
    ),
    "agent.credentials": ("agent.commands", "agent.execute", "flows.page", "flows.legacy", "flows.mfe"),
    "agent": ("fixtures", "tests", "flows.page", "flows.legacy", "flows.mfe"),
    "flows": (
        "agent.jobs",
        "agent.plan",
        "agent.policy",
        "agent.execute",
        "agent.evidence",
        "agent.credentials",
        "agent.browser",
        "agent.settings",
        "agent.commands",
        "fixtures",
        "tests",
    ),
    "flows.page": ("flows.legacy", "flows.mfe"),
    "flows.legacy": ("flows.mfe",),
    "fixtures.sandbox": ("agent", "flows", "tests"),
}
OWN = {"agent.domain": "agent.domain", "agent.errors": "agent.errors"}


def modules() -> Iterator[tuple[str, Path]]:
    for package in ("agent", "flows", "fixtures"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield name, path


def imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "relative imports hide the direction"
            yield node.module


def within(name: str, prefix: str) -> bool:
    return name == prefix.rstrip(".") or name.startswith(prefix.rstrip(".") + ".")


def wrong_imports(module: str, source: str) -> list[str]:
    found = []
    for package, forbidden in FORBIDDEN.items():
        if not within(module, package):
            continue
        for imported in imports(source):
            if package in OWN and within(imported, package):
                continue
            found += [f"{module} imports {imported}" for prefix in forbidden if within(imported, prefix)]
    return found


def test_imports_point_one_way() -> None:
    """Nobody imports against the direction that docs/explanation/architecture.md states."""
    found = [line for name, path in modules() for line in wrong_imports(name, path.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("agent.domain.person", "from agent.jobs.model import Job"),
        ("agent.commands.sandbox", "import fixtures.sandbox"),
        ("fixtures.sandbox.world.world", "from agent.domain.names import normal_email"),
        ("flows.legacy.listing", "from agent.settings import Settings"),
        ("agent.worker.claimed", "from agent.service.metrics import Metrics"),
        ("agent.execute.run", "from flows.legacy.directory import LegacyDirectory"),
    ],
)
def test_a_planted_wrong_import_is_caught(module: str, source: str) -> None:
    """The oracle above sees each kind of import that it exists for."""
    assert wrong_imports(module, source)


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_the_standard_librarys_selectors_is_not_hidden() -> None:
    """`selectors/` is data: an `__init__.py` there would break asyncio."""
    assert not (ROOT / "selectors" / "__init__.py").exists()
    seen = subprocess.run(
        [sys.executable, "-c", "import selectors; print(selectors.DefaultSelector.__name__)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout.strip()


def test_no_package_index_address_in_any_lock_or_config_file() -> None:
    """Locked requirements work with whatever index the machine is set up for."""
    address = re.compile(r"--(extra-)?index-url|--find-links|https?://[^\s]*(pypi|pythonhosted|npmjs)", re.IGNORECASE)
    suffixes = {".txt", ".toml", ".cfg", ".ini", ".json", ".yaml", ".yml"}
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()[:80]}"
        for path in tracked_files()
        if path.suffix in suffixes or path.name in {"Makefile", "Dockerfile", "run", "set-up"}
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
        if address.search(line)
    ]
    assert found == []


def addresses_elsewhere(text: str) -> list[str]:
    """Addresses at names that are not reserved; ``icon@2x.png`` names a picture and is none."""
    address = re.compile(r"[A-Za-z0-9._%+-]+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
    allowed = re.compile(r"(^|\.)(example\.(com|org|net)|example|test|localhost|invalid)$", re.IGNORECASE)
    picture = re.compile(r"\.(jpe?g|png|webp|gif|svg)$")  # no top-level domains
    hits = address.finditer(text)
    return [hit.group(0) for hit in hits if not allowed.search(hit.group(1)) and not picture.search(hit.group(1))]


def test_no_address_of_a_test_person_outside_the_reserved_domains() -> None:
    """Everybody in fixtures, tests and docs lives at a name that RFC 2606 reserves (or at none that exists)."""
    found = [
        f"{path.relative_to(ROOT)}: {address}"
        for path in tracked_files()
        if path.suffix in {".py", ".json", ".md", ".toml", ".html", ".j2", ".js"}
        for address in addresses_elsewhere(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


def test_an_address_elsewhere_is_found_and_the_name_of_a_picture_is_none() -> None:
    """The check can fail."""
    at = "@"  # apart, so that this file itself passes
    assert addresses_elsewhere(f"ann{at}north.io, ann{at}jpeg.io; ann@a.example.com") == [
        f"ann{at}north.io",
        f"ann{at}jpeg.io",
    ]
    assert addresses_elsewhere("page@1-1.jpeg icon@2x.png page@abc-12.5.webp") == []
