"""The selector catalogue is checked when loaded, and says exactly what the flows use."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import flows
from agent.errors import Failed
from flows.catalogue import Catalogue, Mark, Match, own_folder
from flows.page import reading

FLOWS = Path(flows.__file__).parent
KEY = re.compile(r"^[a-z_]+\.[a-z_]+$")
USE_IN_SCRIPT = re.compile(r"\b(one|maybe|many|pattern|found)\(\s*\"([a-z_]+\.[a-z_]+)\"|hooks\[\"([a-z_.]+)\"\]")
NOT_KEYS = {"legacy.toml"}

SMALL = """
format = 1
generation = "legacy"
[hooks."page.place"]
selector = '[data-id="{id}"]'
mark = "I"
match = "one"
note = "n"
[texts."page.words"]
pattern = "^x$"
mark = "C"
note = "n"
[forms."form.small"]
fields = ["user[name]", "user[tools][*]"]
mark = "D"
note = "n"
"""


def keys_used() -> set[str]:
    """Every catalogue key that stands in the source of the flows, in Python or in a script."""
    used: set[str] = set()
    for file in FLOWS.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if KEY.match(node.value):
                    used.add(node.value)
                used |= {key or other for _, key, other in USE_IN_SCRIPT.findall(node.value)}
    return used - NOT_KEYS


def test_every_key_that_flows_use_is_in_the_catalogue_and_the_other_way_round() -> None:
    """A selector without use is a lie waiting to happen; a use without a selector fails in front of a customer."""
    catalogue = Catalogue.load()
    places = {shape.hook for shape in catalogue.shapes.values()}

    assert set(catalogue.hooks) | set(catalogue.texts) | set(catalogue.shapes) == keys_used() | places


def test_scripts_expect_the_match_that_the_catalogue_states() -> None:
    """``one`` reads hooks that match one, ``maybe`` optional ones: the data may not say otherwise than the code."""
    catalogue = Catalogue.load()
    words = {"one": {Match.ONE}, "maybe": {Match.OPTIONAL, Match.ONE}, "many": {Match.MANY, Match.ONE, Match.OPTIONAL}}
    wrong = []
    for file in FLOWS.rglob("*.py"):
        for word, key, _ in USE_IN_SCRIPT.findall(file.read_text(encoding="utf-8")):
            if word in words and key in catalogue.hooks and catalogue.hooks[key].match not in words[word]:
                wrong.append(f"{file.name}: {word}({key}) but the catalogue says {catalogue.hooks[key].match}")

    assert wrong == []


def test_hooks_that_scripts_read_are_plain_css() -> None:
    """The page itself knows nothing of Playwright's extensions."""
    catalogue = Catalogue.load()
    keys = {
        key
        for file in FLOWS.rglob("*.py")
        for word, key, _ in USE_IN_SCRIPT.findall(file.read_text())
        if word != "pattern"
    }

    assert [key for key in sorted(keys) if key in catalogue.hooks and not catalogue.hooks[key].is_css] == []


def test_no_selector_uses_what_changes_with_every_release() -> None:
    """Hashed classes, generated ids, nth-child and row numbers never last (hazard 15)."""
    volatile = re.compile(r"nth-child|nth-of-type|react-aria|sc-|ag-\d|rownum|rowindex|-core-\d|__[A-Za-z0-9]{5}\b")

    assert [key for key, hook in Catalogue.load().hooks.items() if volatile.search(hook.selector)] == []


def test_a_reading_knows_the_keys_in_its_script() -> None:
    """What a script reads is derived from the script: the list cannot be forgotten."""
    found = reading.Reading("list.root", 'return many("list.row").map(words);')

    assert {"list.root", "list.row", "shell.avatar"} <= found.hooks


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (('mark = "I"', 'mark = "X"'), "page.place"),
        (('match = "one"', 'match = "some"'), "page.place"),
        (('match = "one"', 'match = "one"\ncolour = "red"'), "colour"),
        (('note = "n"', 'note = ""'), "note"),
        (('"page.place"', '"PagePlace"'), "PagePlace"),
        (('pattern = "^x$"', 'pattern = "("'), "page.words"),
        (("format = 1", "format = 2"), "format"),
        (("format = 1", "format ="), "line 2"),
    ],
)
def test_a_broken_catalogue_is_refused_by_name(change: tuple[str, str], named: str) -> None:
    """Data that can be replaced without a release is checked like code; the error names the place."""
    with pytest.raises(Failed) as failure:
        Catalogue.parse(SMALL.replace(*change, 1))

    assert failure.value.code == "catalogue-invalid"
    assert named in failure.value.seen


def test_a_missing_catalogue_is_said_plainly(tmp_path: Path) -> None:
    """The path that was looked at stands in the message."""
    with pytest.raises(Failed) as failure:
        Catalogue.load(tmp_path / "nowhere.toml")

    assert "nowhere.toml" in failure.value.message


def test_an_unknown_key_raises() -> None:
    """There is no default selector."""
    catalogue = Catalogue.parse(SMALL)

    for look_up in (catalogue.selector, catalogue.css, catalogue.text):
        with pytest.raises(KeyError, match=r"page\.nowhere"):
            look_up("page.nowhere")


def test_values_in_selectors_are_quoted() -> None:
    """A name with a quote in it cannot break out of its selector."""
    filled = Catalogue.parse(SMALL).css("page.place", id='1"] , *[x="')

    assert filled == '[data-id="1\\"] , *[x=\\""]'


def test_placeholders_must_all_be_given() -> None:
    """A selector with a hole would match something else."""
    catalogue = Catalogue.parse(SMALL)

    with pytest.raises(KeyError):
        catalogue.css("page.place")
    with pytest.raises(KeyError):
        catalogue.css("page.place", id="1", other="2")


def test_the_hash_is_of_the_content_not_of_the_spelling() -> None:
    """Comments and order do not change the hash; a selector does."""
    one = Catalogue.parse(SMALL)

    assert one.sha256 == Catalogue.parse("# a comment\n" + SMALL).sha256
    assert one.sha256 != Catalogue.parse(SMALL.replace("data-id", "data-no")).sha256


def test_forms_know_their_fields() -> None:
    """A star stands for one part of a name, and for nothing else."""
    form = Catalogue.parse(SMALL).forms["form.small"]

    assert form.knows("user[name]")
    assert form.knows("user[tools][budget]")
    assert not form.knows("user[tools][a][b]")
    assert not form.knows("user[names]")
    assert not form.knows("user[namex]")


def test_the_selectors_folder_is_no_package() -> None:
    """A package named ``selectors`` would hide the standard library's module and break asyncio."""
    assert not (FLOWS.parent / "selectors" / "__init__.py").exists()


def test_a_pack_is_one_catalogue_and_says_its_version() -> None:
    """Every file of the folder is in it, with the hash of its bytes."""
    catalogue = Catalogue.load()

    assert set(catalogue.files) == {
        "common.toml",
        "legacy.toml",
        "mfe.toml",
        "pack.toml",
        "shapes/legacy.toml",
        "shapes/mfe.toml",
    }
    assert re.fullmatch(r"procore-directory \d+\.\d+\.\d+", catalogue.pack)
    assert Catalogue.parse(catalogue.source).sha256 == catalogue.sha256


def test_the_changelog_tells_of_the_version_that_is_shipped() -> None:
    """A pack without its story is not shipped."""
    about = Catalogue.load().about

    assert about is not None
    told = (own_folder() / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {about.version} ({about.released.isoformat()})" in told


def test_one_file_takes_the_place_of_its_own_in_the_pack(tmp_path: Path) -> None:
    """A customer who has recorded the legacy pages replaces that file alone."""
    shipped = Catalogue.load()
    own = (own_folder() / "legacy.toml").read_text(encoding="utf-8")
    changed = tmp_path / "ours.toml"
    changed.write_text(own.replace("form#new_user", "form#our_user"), encoding="utf-8")

    catalogue = Catalogue.load(changed)

    assert catalogue.selector("add_user.form") == "form#our_user"
    assert catalogue.hooks["grid.row"] == shipped.hooks["grid.row"]
    assert catalogue.files["mfe.toml"] == shipped.files["mfe.toml"]
    assert catalogue.files["legacy.toml"] != shipped.files["legacy.toml"]


def test_a_whole_catalogue_in_one_file_stands_alone(tmp_path: Path) -> None:
    """As evidence keeps it."""
    whole = tmp_path / "selectors.toml"
    whole.write_text(Catalogue.load().source, encoding="utf-8")

    assert Catalogue.load(whole).sha256 == Catalogue.load().sha256


@pytest.mark.parametrize(
    ("file", "change", "named"),
    [
        ("mfe.toml", ("format = 1", "format = 2"), "format"),
        ("pack.toml", ('version = "', 'version = "x'), "version"),
        ("pack.toml", ("[pack]", '[pack]\nauthor = "a"'), "author"),
        ("shapes/legacy.toml", ('hook = "add_user.window"', 'hook = "add_user.nowhere"'), "add_user.nowhere"),
        ("shapes/legacy.toml", ('kind = "checkbox"', 'kind = "tickbox"'), "kind"),
        ("mfe.toml", ("generation =", '[hooks."list.row"]\nselector = "x"\n\n[nothing]\ngeneration ='), "list.row"),
    ],
)
def test_a_broken_pack_is_refused_by_name(tmp_path: Path, file: str, change: tuple[str, str], named: str) -> None:
    """Another format, an unknown key, a shape without a place, a key that is there twice."""
    folder = tmp_path / "selectors"
    shutil.copytree(own_folder(), folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert change[0] in text
    (folder / file).write_text(text.replace(*change, 1), encoding="utf-8")

    with pytest.raises(Failed) as failure:
        Catalogue.load(folder)

    assert failure.value.code == "catalogue-invalid"
    assert named in failure.value.seen


def test_words_are_found_in_a_box_inside_a_button() -> None:
    """A release that wraps the words of a button leaves the button what it was."""
    catalogue = Catalogue.parse(SMALL.replace("""'[data-id="{id}"]'""", """'button:text-is("{words}")'"""))

    assert catalogue.selector("page.place", words="Add") == 'button:is(:text-is("Add"), :has(:text-is("Add")))'


def test_an_installed_package_brings_its_own_catalogue(tmp_path: Path) -> None:
    """In a wheel there is no ``selectors/`` beside the package, but a copy inside it."""
    package = tmp_path / "flows"
    package.mkdir()
    (package / "selectors").mkdir()
    (package / "selectors" / "legacy.toml").write_text(SMALL, encoding="utf-8")

    assert own_folder(package) == package / "selectors"
    assert own_folder(FLOWS) == FLOWS.parent / "selectors"


def test_every_entry_has_a_mark_and_a_reason() -> None:
    """So that nobody mistakes a green test for proof about the real pages."""
    catalogue = Catalogue.load()
    entries: list[tuple[str, Any]] = [*catalogue.hooks.items(), *catalogue.texts.items(), *catalogue.forms.items()]
    entries += catalogue.shapes.items()

    assert [key for key, entry in entries if entry.mark not in set(Mark) or not entry.note.strip()] == []
