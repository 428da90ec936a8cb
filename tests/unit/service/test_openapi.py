"""The published description of the interface."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from agent.jobs.model import ACTIONS
from agent.queue.opening import open_queue
from agent.service.api import create_app
from agent.service.metrics import Metrics
from agent.service.operators import Operators
from agent.settings import load_settings
from tests.unit.settings.test_settings import TENANT

ROOT = Path(__file__).resolve().parents[3]
PUBLISHED = ROOT / "docs" / "reference" / "openapi.json"


class _Nobody:
    def status(self) -> Any:
        raise AssertionError("nobody asks")


@pytest.fixture
def described(tmp_path: Path) -> dict[str, Any]:
    """What the application says of itself."""
    (tmp_path / "agent.toml").write_text(TENANT, encoding="utf-8")
    settings = load_settings(tmp_path / "agent.toml")
    app = create_app(settings, open_queue(settings), _Nobody(), Operators(tmp_path), Metrics())
    return app.openapi()


def test_the_published_description_is_the_applications(described: dict[str, Any]) -> None:
    """Write it anew with: python -m tests.unit.service.test_openapi."""
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    assert {**published, "info": None} == {**described, "info": None}


def test_every_path_is_in_the_reference(described: dict[str, Any]) -> None:
    """docs/reference/api.md names each."""
    text = (ROOT / "docs/reference/api.md").read_text(encoding="utf-8")
    for path in described["paths"]:
        assert f"/{path.rsplit(chr(47), 1)[-1]}".replace("{job_id}", "{id}") in text, path


def test_the_description_holds_the_job_itself(described: dict[str, Any]) -> None:
    """A sender needs no second document; every reference in it leads somewhere."""
    schemas = described["components"]["schemas"]
    assert set(schemas["Job"]["discriminator"]["mapping"]) == set(ACTIONS)
    references = set(_references(described))
    assert {name.removeprefix("#/components/schemas/") for name in references} <= set(schemas)
    job = json.loads((ROOT / "fixtures/jobs/provision.json").read_text(encoding="utf-8"))
    whole = {"$ref": "#/components/schemas/Job", "components": described["components"]}
    jsonschema.validate(job, whole, cls=jsonschema.Draft202012Validator)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**job, "more": 1}, whole, cls=jsonschema.Draft202012Validator)


def test_errors_are_described_as_problems(described: dict[str, Any]) -> None:
    """On every path that needs a name."""
    for path, operations in described["paths"].items():
        for operation in operations.values():
            if path.startswith("/v1"):
                assert "application/problem+json" in operation["responses"]["401"]["content"], path
                assert operation["security"], path


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [name for inner in value.values() for name in _references(inner)]
    return [name for inner in value for name in _references(inner)] if isinstance(value, list) else []


def write() -> None:
    """Write the published description anew."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "agent.toml"
        file.write_text(TENANT, encoding="utf-8")
        settings = load_settings(file)
        app = create_app(settings, open_queue(settings), _Nobody(), Operators(Path(folder)), Metrics())
        PUBLISHED.write_text(json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
