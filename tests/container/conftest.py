"""The image, a tenant and an installation; nothing is built for tests that only read files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.running import RunningSandbox
from tests.container import engine
from tests.container.installation import USER, Installation

ACCOUNT = "svc.provisioning@example.com"


@pytest.fixture(scope="session")
def image() -> str:
    """The agent's image, built from the repository."""
    try:
        return engine.build("localhost/agent-under-test")
    except engine.NoContainersHere as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def sandbox() -> Iterator[RunningSandbox]:
    """A tenant for the agent in the container."""
    with RunningSandbox(40, 7, "--no-delays") as running:
        yield running


@pytest.fixture
def installation(image: str, sandbox: RunningSandbox, tmp_path: Path) -> Iterator[Installation]:
    """One host with the tenant's credentials in its sealed keyring."""
    sandbox.post("/reset")
    sandbox.post("/options", {"mfa": "off"})
    known = next(item for item in sandbox.get("/credentials") if item["email"] == ACCOUNT)
    company = sandbox.get("/state")["companies"][0]["company_id"]
    addresses = f'sign_in_url = "{sandbox.sign_in}/"\napp_url = "{sandbox.app}/"\ncompany_id = "{company}"\n'
    (tmp_path / "agent.toml").write_text(f"[tenants.sandbox]\n{addresses}")
    (tmp_path / "key").write_text("a master key for this test only")
    (tmp_path / "jobs").mkdir()
    shutil.copy(engine.ROOT / "fixtures" / "jobs" / "demo-provision.json", tmp_path / "jobs")
    for path in (tmp_path, *tmp_path.rglob("*")):
        os.chown(path, USER, USER)
    (tmp_path / "key").chmod(0o400)
    host = Installation(image, tmp_path)
    try:
        stored = host.once("credentials", "set", "sandbox", given=json.dumps(known))
        assert stored.code == 0, stored.told
        yield host
    finally:
        host.remove()
