"""A pack that must be signed is taken only when it is, by the right key, and unchanged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import keyring
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from agent.audit.note import SigningKey
from agent.commands.app import app
from agent.errors import Failed
from agent.pack.signature import SIGNATURE, checked, pack_sha256, signed
from agent.settings import SettingsRefused, load_settings
from agent.worker.equipment import catalogue_of
from flows import Catalogue
from flows.catalogue import own_folder
from tests.unit.browser.test_stored_state import Keyring

KEY = SigningKey("selectors-test", Ed25519PrivateKey.from_private_bytes(b"k" * 32))
OTHER = SigningKey("selectors-test", Ed25519PrivateKey.from_private_bytes(b"o" * 32))
VKEY = KEY.public.vkey


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A copy of the pack that is shipped, signed."""
    folder = tmp_path / "selectors"
    shutil.copytree(own_folder(), folder)
    (folder / SIGNATURE).write_text(signed(Catalogue.load(folder), KEY), encoding="utf-8")
    return folder


def test_the_signed_pack_is_taken(pack: Path) -> None:
    """By its folder, with the right key; and without a key any pack is."""
    assert checked(pack, VKEY).sha256 == Catalogue.load().sha256
    assert checked(None, None).sha256 == Catalogue.load().sha256


def add_a_file(pack: Path) -> None:
    (pack / "more.toml").write_text('format = 1\n[texts."more.words"]\npattern = "x"\nmark = "I"\nnote = "n"\n')


def change_a_comment(pack: Path) -> None:
    (pack / "mfe.toml").write_text("# harmless?\n" + (pack / "mfe.toml").read_text(encoding="utf-8"), encoding="utf-8")


def change_a_selector(pack: Path) -> None:
    text = (pack / "legacy.toml").read_text(encoding="utf-8")
    (pack / "legacy.toml").write_text(text.replace("form#new_user", "form#other"), encoding="utf-8")


def change_a_shape(pack: Path) -> None:
    text = (pack / "shapes" / "legacy.toml").read_text(encoding="utf-8")
    changed = text.replace('words = ["Create", "Add"]', 'words = ["Create", "Add", "Delete"]')
    assert changed != text
    (pack / "shapes" / "legacy.toml").write_text(changed, encoding="utf-8")


def remove_the_signature(pack: Path) -> None:
    (pack / SIGNATURE).unlink()


def garble_the_signature(pack: Path) -> None:
    (pack / SIGNATURE).write_text("signed, honestly\n", encoding="utf-8")


def sign_with_another_key(pack: Path) -> None:
    (pack / SIGNATURE).write_text(signed(Catalogue.load(pack), OTHER), encoding="utf-8")


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (add_a_file, "pack-changed"),
        (change_a_comment, "pack-changed"),
        (change_a_selector, "pack-changed"),
        (change_a_shape, "pack-changed"),
        (remove_the_signature, "pack-unsigned"),
        (garble_the_signature, "pack-signature-wrong"),
        (sign_with_another_key, "pack-signature-wrong"),
    ],
)
def test_a_pack_that_is_not_the_signed_one_is_refused(pack: Path, tamper: Callable[[Path], None], code: str) -> None:
    """Whatever was changed, added or taken away, and whoever else signed it."""
    tamper(pack)

    with pytest.raises(Failed) as refused:
        checked(pack, VKEY)

    assert refused.value.code == code
    assert KEY.public.label in refused.value.expected or "signed pack" in refused.value.expected
    assert SIGNATURE in refused.value.seen
    assert checked(pack, None)  # without a key it would be taken: the key is what refuses


def test_the_shipped_pack_is_not_signed_by_a_customers_key() -> None:
    """A customer who asks for a signature gets none by leaving the path out."""
    with pytest.raises(Failed) as refused:
        checked(None, VKEY)

    assert refused.value.code == "pack-unsigned"


def test_the_hash_of_a_pack_is_of_its_bytes(pack: Path) -> None:
    """The catalogue's own hash does not see comments; that of the pack does."""
    before = Catalogue.load(pack)
    change_a_comment(pack)
    after = Catalogue.load(pack)

    assert before.sha256 == after.sha256
    assert pack_sha256(before) != pack_sha256(after)


SETTINGS = """
[paths]
selectors = "selectors"
[selectors]
public_key = "{key}"
"""


def test_the_agent_takes_no_other_pack(pack: Path, tmp_path: Path) -> None:
    """Wherever the agent loads its catalogue from the settings."""
    file = tmp_path / "agent.toml"
    file.write_text(SETTINGS.format(key=VKEY), encoding="utf-8")
    settings = load_settings(file, {})

    assert catalogue_of(settings).pack == Catalogue.load().pack
    change_a_shape(pack)
    with pytest.raises(Failed, match="not the one that was signed"):
        catalogue_of(settings)


def test_a_key_that_is_none_is_refused_with_the_settings(tmp_path: Path) -> None:
    """A letter that was lost must not mean that no signature is asked for."""
    file = tmp_path / "agent.toml"
    file.write_text(SETTINGS.format(key=VKEY.replace("selectors-test", "selectors-tast")), encoding="utf-8")

    with pytest.raises(SettingsRefused) as refused:
        load_settings(file, {})

    assert "selectors.public_key" in refused.value.problems[0]


def test_the_commands_sign_verify_and_show(pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed with a key of this machine's keyring; verified with the key that was printed; shown with its hashes."""
    kept = Keyring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: kept)
    run = CliRunner().invoke
    remove_the_signature(pack)

    made = run(app, ["selectors", "sign", str(pack), "--name", "acme", "--json"])
    key = json.loads(made.stdout)["public_key"]
    again = run(app, ["selectors", "sign", str(pack), "--name", "acme", "--json"])
    good = run(app, ["selectors", "verify", str(pack), "--key", key, "--json"])
    shown = json.loads(run(app, ["selectors", "show", str(pack), "--json"]).stdout)
    change_a_selector(pack)
    bad = run(app, ["selectors", "verify", str(pack), "--key", key, "--json"])

    assert json.loads(again.stdout)["public_key"] == key, "the same key as before"
    assert key.startswith("selectors-acme+")
    assert (good.exit_code, json.loads(good.stdout)["pack_sha256"]) == (0, shown["pack_sha256"])
    assert shown["pack"] == Catalogue.load().pack
    assert shown["entries"]["shapes"]["I"] > 0
    assert bad.exit_code == 4
    assert json.loads(bad.stdout)["error"]["code"] == "pack-changed"
