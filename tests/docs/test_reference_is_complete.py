"""The reference says everything: each job field, setting, command, option, error code and environment variable."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from agent.commands.app import app
from agent.jobs.schema import job_schema
from agent.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"


def reference(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def missing(names: Iterator[str] | list[str], text: str) -> list[str]:
    """Those names that do not stand in the text as code, i.e. between backticks or inside a fenced block."""
    return sorted({name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)})


def schema_fields(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        properties = node.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for value in node.values():
            yield from schema_fields(value)
    elif isinstance(node, list):
        for value in node:
            yield from schema_fields(value)


def setting_names(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name
        for part in ast_types(field.annotation):
            yield from setting_names(part)


def ast_types(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from ast_types(inner)


def command_lines(group: Any, prefix: str = "") -> Iterator[tuple[str, list[str]]]:
    """Every command's words and its option flags."""
    for name, command in getattr(group, "commands", {}).items():
        words = f"{prefix}{name}"
        if getattr(command, "commands", None):
            yield from command_lines(command, f"{words} ")
        elif not command.hidden:
            flags = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
            yield words, flags


def error_codes() -> Iterator[str]:
    """First arguments of the error constructors, wherever they are raised."""
    names = {
        "Refused",
        "Failed",
        "Uncertain",
        "SignInRejected",
        "UnknownPage",
        "SaveRejected",
        "AnswerLost",
        "NeedsPerson",
    }
    for package in ("agent", "flows"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                first = node.args[0]
                if called in names and isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value


def test_every_job_field_is_documented() -> None:
    """docs/reference/jobs.md names each field that the published schema has."""
    assert missing(list(schema_fields(job_schema())), reference("jobs.md")) == []


def test_every_setting_is_documented() -> None:
    """docs/reference/settings.md names each setting of agent.toml."""
    assert missing(list(setting_names(Settings)), reference("settings.md")) == []


def test_every_command_and_flag_is_documented() -> None:
    """docs/reference/cli.md names each command and each of its flags."""
    text = reference("cli.md")
    commands = list(command_lines(typer.main.get_command(app)))
    assert len(commands) >= 8
    assert missing([words for words, _ in commands], text) == []
    assert missing([flag for _, flags in commands for flag in flags if flag != "--help"], text) == []


def test_every_error_code_is_documented() -> None:
    """docs/reference/errors.md names each code with which a job can end."""
    codes = list(error_codes())
    assert len(codes) > 20
    assert missing(codes, reference("errors.md")) == []


def test_every_environment_variable_is_documented() -> None:
    """Whoever sets up a container finds each AGENT_ variable in the reference or the how-to guides."""
    used = {
        name
        for package in ("agent", "flows")
        for path in (ROOT / package).rglob("*.py")
        for name in re.findall(r"\bAGENT_[A-Z][A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8"))
    }
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md"))
    assert missing(list(used), text) == []


def test_a_missing_name_is_seen() -> None:
    """The oracle does not take a part of a word, or a longer flag, for the name."""
    assert missing(["--dry", "template"], "`--dry-run` and `templates`") == ["--dry", "template"]
    assert missing(["--dry-run"], "use `--dry-run`") == []


@pytest.mark.parametrize("path", [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"], ids=str)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    """A relative link in the docs names a file that exists."""
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []
