"""The second look: a recording in which anything of the tenant stands is not let out, however it came there."""

from __future__ import annotations

import base64
import functools
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from agent.credentials.known import KnownSecret
from agent.credentials.secret import Secret
from agent.errors import Refused
from agent.structure.proof import TenantWords, leaks, require_clean
from agent.structure.recording import Head, Node, Page, Recording
from agent.structure.reduce import reduced_page
from agent.structure.vocabulary import Vocabulary
from flows import Catalogue, RawNode, RawPage
from tests.unit.structure.planted import PLANTED, page

KNOWN = Vocabulary.of(Catalogue.load())
HEAD = Head(agent="0", catalogue="0", date="2026-11-22", locale="en-US", generations={})
RAW = RawPage(
    "company/users",
    "legacy",
    "https://app.example.test/1/company/directory",
    "en-US",
    RawNode("body", {}, tuple(RawNode("p", {}, (text,)) for text in PLANTED.values())),
)


@functools.cache
def seen() -> TenantWords:
    """What is known of the tenant after its page was read."""
    words = TenantWords(
        [KnownSecret("password", Secret("Cobblestone-Secret-1"))], {"the service account": "svc@quarrystone.example"}
    )
    words.see(RAW)
    return words


def recording(*nodes: Node | str) -> Recording:
    """A recording of one page, with these nodes among those of the planted page as they are reduced."""
    clean = reduced_page(RAW, KNOWN)
    return Recording(
        head=HEAD, pages=(clean.model_copy(update={"root": Node(tag="html", inner=(clean.root, *nodes))}),)
    )


def test_what_the_redaction_makes_is_clean() -> None:
    """The two know nothing of each other and agree, also about a page with everything in every place."""
    raw = page(*PLANTED.values())
    words = TenantWords()
    words.see(raw)
    made = Recording(head=HEAD, pages=(reduced_page(raw, KNOWN),))
    assert leaks(made, made.text(), words, KNOWN) == []


def planted_nodes() -> Iterator[tuple[str, Node | str]]:
    for what, text in PLANTED.items():
        yield f"{what} as a text", text
        yield f"{what} in an attribute", Node(tag="div", at={"data-qa": f"row-{text}"})
        yield f"{what} in an address", Node(tag="a", at={"href": f"/x?q={quote(text)}"})
        yield f"{what} in base64", Node(tag="a", at={"id": base64.b64encode(f"user {text}!".encode()).decode()})
        yield f"{what} as the name of an attribute", Node(tag="a", at={text.lower(): ""})
        yield f"{what} in JSON", Node(tag="script", json_keys={text: ["string"]})
    yield "a name with points", Node(tag="a", at={"id": "odalys.thornquist"})
    yield "a name the other way round", Node(tag="a", at={"id": "thornquist_odalys"})
    yield "a name without a space", "OdalysThornquist"
    yield "half of a name", "Thornquist"
    yield "the account", Node(tag="a", at={"data-login": "svc@quarrystone.example"})
    yield "a secret", Node(tag="a", at={"value": "Cobblestone-Secret-1"})
    yield "a word nobody has seen", "Unheard"
    yield "a number", "12"
    yield "a digit", Node(tag="a", at={"data-id": "7"})
    yield "a strange element", Node(tag="x-odalys")


@pytest.mark.parametrize(
    ("what", "node"), list(planted_nodes()), ids=lambda item: item if isinstance(item, str) else ""
)
def test_each_planted_leak_is_caught(what: str, node: Node | str) -> None:
    """A mistake in the redaction, of whatever kind, stops the recording; the message holds nothing of it."""
    made = recording(node)
    with pytest.raises(Refused) as refusal:
        require_clean(made, made.text(), seen(), KNOWN)
    assert refusal.value.code == "recording-not-clean", what
    for planted in PLANTED.values():
        assert planted not in str(refusal.value.diagnostics())


def test_each_part_of_the_proof_catches_by_itself() -> None:
    """A leak in the head, where neither words nor numbers are looked at, is found by what was seen on the pages."""
    named = recording().model_copy(update={"head": HEAD.model_copy(update={"tenant": "Quarrystone Masonry & Sons"})})
    found = leaks(named, named.text(), seen(), KNOWN)
    assert found
    assert all("a word" not in leak.what for leak in found)


def test_words_of_the_pages_are_no_leak_even_as_a_persons_name() -> None:
    """A project called Admin and a person called Page do not make a recording impossible."""
    raw = RawPage("company/users", "", "https://a.test/", "en", RawNode("p", {"title": "Page"}, ("Admin",)))
    words = TenantWords()
    words.see(raw)
    made = Recording(head=HEAD, pages=(reduced_page(raw, KNOWN),))
    require_clean(made, made.text(), words, KNOWN)


def test_a_page_of_the_recording_itself_is_looked_at() -> None:
    """The address and the names of globals count, too."""
    clean = reduced_page(RAW, KNOWN)
    for change in ({"address": "/odalys"}, {"globals": {"odalys": "string"}}, {"language": "odalys"}):
        changed = Page.model_validate({**clean.model_dump(by_alias=True), **change})
        made = Recording(head=HEAD, pages=(changed,))
        with pytest.raises(Refused):
            require_clean(made, made.text(), TenantWords(), KNOWN)
