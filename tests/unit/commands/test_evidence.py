"""``agent evidence`` as it is typed: on the agent's machine with its keyring, and elsewhere with a key's text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keyring
import pytest
from typer.testing import CliRunner, Result

from agent.commands.app import app
from tests.unit.audit.archive import Archive
from tests.unit.commands.conftest import SETTINGS

DAYS = ("--from", "2026-11-01", "--to", "2026-11-30")
JOB = "070000-update-aa0001"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    made = Archive(tmp_path_factory.mktemp("original"), name="sandbox")
    made.job(JOB)
    made.job("070100-update-aa0002", queue=1)
    made.ended(1, job_id="070100-update-aa0002")
    made.day_is_over()
    return made


@pytest.fixture
def archive(original: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """Evidence where the settings have it, and the keyring with its key."""
    (tmp_path / "agent.toml").write_text(f'[paths]\nevidence = "evidence"\n{SETTINGS}', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    made = original.copy(tmp_path)
    monkeypatch.setattr(keyring, "get_keyring", lambda: made.keyring)
    return made


def agent(*words: str) -> Result:
    result = CliRunner().invoke(app, ["evidence", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def said(*words: str) -> Any:
    """The document of ``--json``."""
    return json.loads(agent(*words, "--json").stdout)


def test_everything_is_verified_with_the_machines_own_key(archive: Archive) -> None:
    """--all: exit code 0 and plain words; a changed byte: 7, with code and file."""
    whole = agent("verify", "--all")
    assert whole.exit_code == 0, whole.output
    assert "byte for byte what was sealed" in " ".join(whole.output.split())
    assert "Not proven by this" in whole.output
    (archive.folder(JOB) / "plan.json").write_text("{}")
    found = agent("verify", "--all")
    assert found.exit_code == 7
    assert "evidence-file-changed" in found.output
    problem = said("verify", "--all")["verified"]["sandbox"]["problems"][0]
    assert (problem["code"], problem["subject"]) == ("evidence-file-changed", f"2026-11-16/{JOB}/plan.json")


def test_a_folder_a_day_and_a_tenant_can_be_named(archive: Archive) -> None:
    """Each with the key as text, and no settings at hand."""
    Path("agent.toml").unlink()
    folder = archive.folder(JOB)
    for path in (folder, folder.parent, archive.tenant, archive.evidence):
        assert agent("verify", str(path), "--key", archive.key.vkey).exit_code == 0
    assert agent("verify", str(folder)).exit_code == 2  # no key, no settings
    assert agent("verify", str(archive.root), "--key", archive.key.vkey).exit_code == 2  # no evidence there
    assert agent("verify", "--key", archive.key.vkey).exit_code == 2
    assert agent("verify", str(folder), "--all").exit_code == 2
    assert agent("verify", str(folder), "--key", "agent/x+00+AAAA").exit_code == 2
    assert agent("verify", str(folder), "--key", archive.key.vkey, "--head", "agent.toml").exit_code == 2


def test_a_kept_head_whose_ledger_is_gone_is_told(archive: Archive) -> None:
    """The whole tenant's folder was removed, or another ledger put in its place."""
    assert agent("head", "--out", "kept.txt").exit_code == 0
    other = Archive(archive.root / "other", name="sandbox")
    other.job(JOB)
    other.tenant.rename(archive.evidence / "elsewhere")
    (archive.tenant / "ledger").rename(archive.root / "taken-away")
    key = key_of(archive.root / "taken-away")
    ran = agent("verify", str(archive.evidence), "--key", key, "--head", "kept.txt", "--json")
    problems = json.loads(ran.stdout)["verified"]["ledgers that are gone"]["problems"]
    assert ran.exit_code == 7
    assert [problem["code"] for problem in problems] == ["ledger-rolled-back"]


def test_a_tenant_of_which_nothing_is_left_is_missed_where_heads_are_kept(archive: Archive) -> None:
    """--all takes the kept head of each tenant in the settings, also where its folder was removed as a whole."""
    Path("heads").mkdir()
    assert agent("head", "--out", "heads/sandbox.checkpoint").exit_code == 0
    Path("agent.toml").write_text(
        f'[paths]\nevidence = "evidence"\n[audit]\nheads = "heads"\n{SETTINGS}', encoding="utf-8"
    )
    assert agent("verify", "--all").exit_code == 0
    other = Archive(archive.root, keyring=archive.keyring, name="other")
    other.job(JOB)
    archive.tenant.rename(archive.root / "taken-away")
    ran = agent("verify", "--all", "--json")
    problems = json.loads(ran.stdout)["verified"]["ledgers that are gone"]["problems"]
    assert ran.exit_code == 7
    assert [problem["code"] for problem in problems] == ["ledger-rolled-back"]


def key_of(ledger: Path) -> str:
    return str(json.loads((ledger / "entries.jsonl").read_text().split("\n")[0])["data"]["keys"][0])


def test_a_period_and_a_job_are_exported_and_verified(archive: Archive) -> None:
    """The population is printed; the bundle is verified at once, and again by whoever has it."""
    period = agent("export", *DAYS, "--samples", "all", "--out", "period.zip")
    assert period.exit_code == 0, period.output
    assert "2 submitted = 2 done + 0 failed + 0 refused + 0 cancelled + 0 waiting" in " ".join(period.output.split())
    job = said("export", "--job", "1", "--out", "job.zip")
    assert (job["kind"], len(job["runs"]), job["verified"]["genuine"]) == ("job", 1, True)
    for name in ("period.zip", "job.zip"):
        assert agent("verify", name, "--key", archive.key.vkey).exit_code == 0
        assert agent("verify", name).exit_code == 0  # with this machine's keyring


def test_an_export_of_broken_evidence_is_loud(archive: Archive) -> None:
    """It is written, since an auditor should see it, and the exit code is 7: a file, and a population."""
    (archive.folder(JOB) / "plan.json").write_text("{}")
    assert agent("export", *DAYS, "--out", "period.zip").exit_code == 7
    assert Path("period.zip").exists()
    archive.ended(99)
    ran = agent("export", "--from", "2026-11-17", "--to", "2026-11-30", "--out", "later.zip")
    assert ran.exit_code == 7
    assert "It does not add up" in ran.output


@pytest.mark.parametrize(
    "words",
    [
        ("export", "--out", "x.zip"),
        ("export", "--out", "x.zip", "--job", "1", *DAYS),
        ("export", "--out", "x.zip", "--from", "2026-11-01"),
        ("export", "--out", "x.zip", "--from", "yesterday", "--to", "2026-11-30"),
        ("export", "--out", "x.zip", *DAYS, "--samples", "many"),
        ("list", "--day", "someday"),
    ],
)
def test_what_cannot_be_meant_is_bad_usage(archive: Archive, words: tuple[str, ...]) -> None:
    """Exit code 2, nothing written."""
    assert agent(*words).exit_code == 2
    assert not Path("x.zip").exists()


def test_without_a_keyring_a_bundle_is_written_and_not_praised(archive: Archive) -> None:
    """Export needs no key, since everything is signed; that this machine could not verify it is said."""
    archive.keyring.is_locked = True
    ran = agent("export", *DAYS, "--out", "period.zip")
    assert ran.exit_code == 0, ran.output
    assert "could not verify it" in " ".join(ran.output.split())
    assert "Genuine" not in ran.output
    archive.keyring.is_locked = False
    assert agent("verify", "period.zip").exit_code == 0


def test_keys_are_shown_and_rotated(archive: Archive) -> None:
    """Who trusts the first key still does after a rotation."""
    first = archive.key.vkey
    assert said("keys", "show") == {"keys": {"sandbox": [first]}}
    added = said("keys", "rotate", "--why", "yearly")["added"]["sandbox"]
    assert said("keys", "show") == {"keys": {"sandbox": [first, added]}}
    assert first in agent("keys", "show").output.replace("\n", "")
    assert agent("verify", "--all").exit_code == 0
    for key in (first, added):
        assert agent("verify", str(archive.evidence), "--key", key).exit_code == 0


def test_a_head_is_printed_to_be_kept(archive: Archive) -> None:
    """On standard output nothing but the note, so that it can be piped away."""
    note = agent("head").stdout
    assert note == archive.checkpoint.read_text()
    Path("kept.txt").write_text(note)
    proven = said("verify", "--all", "--head", "kept.txt")["verified"]["sandbox"]["proven"]
    assert any("at least the head you kept" in sentence for sentence in proven)
    assert agent("head", "--tenant", "nobody").exit_code == 3


def test_runs_are_listed(archive: Archive) -> None:
    """By tenant and day, from the signed ledger."""
    runs = said("list")["runs"]
    assert [run["job_id"] for run in runs] == [JOB, "070100-update-aa0002"]
    assert said("list", "--day", "2026-11-17")["runs"] == []
    assert JOB in agent("list", "--day", "2026-11-16").output


def test_an_index_is_written_and_nothing_is_pruned_too_early(archive: Archive) -> None:
    """The commands reach the parts that do it."""
    (file,) = said("index", *DAYS)["files"]
    assert Path(file).is_file()
    assert agent("index", "--from", "2026-11-30", "--to", "2026-11-01").exit_code == 2
    assert said("prune", "--dry-run")["dry_run"] is True
    assert archive.folder(JOB).is_dir()


def test_errors_say_what_is_really_wrong(archive: Archive) -> None:
    """Nothing at a path, no number, no place to write to, no keyring: each its own words, and no traceback."""
    nothing = agent("verify", "/nonexistent")
    assert nothing.exit_code == 2
    assert "There is nothing at /nonexistent" in nothing.output
    for samples in ("²", "٣", "-1", "9" * 40):
        assert agent("export", *DAYS, "--samples", samples, "-o", "x.zip").exit_code == 2
    assert agent("export", *DAYS, "--seed", "\x1b[2J", "-o", "x.zip").exit_code == 2
    assert said("export", "--job", JOB, "-o", "nowhere/x.zip")["error"]["code"] == "output-unwritable"
    archive.keyring.is_locked = True
    locked = said("verify", "--all")["error"]
    assert locked["code"].startswith("keyring")
    assert "--key VKEY" in locked["message"]
