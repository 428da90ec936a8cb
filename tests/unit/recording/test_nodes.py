"""Nodes are counted as the recorder counts them: whatever it left out comes back, no more and no less."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.recording.nodes import Element, NodeCounter, at, target_of, walk
from agent.recording.recording import Recording
from tests.unit.recording import made
from tests.unit.recording.made import snapshot

TAGS = ["DIV", "P", "SPAN", "UL", "X-CARD", "svg", "foreignObject"]
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
trees = st.recursive(
    texts | st.builds(lambda tag: [tag], st.sampled_from(TAGS)),
    lambda inner: st.builds(
        lambda tag, children, attributes: [tag, attributes, *children],
        st.sampled_from(TAGS),
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["id", "class", "title", "data-x"]), texts, max_size=2),
    ),
    max_leaves=25,
)
pages = st.builds(lambda children: ["HTML", {}, ["HEAD"], ["BODY", {}, *children]], st.lists(trees, max_size=5))


def plain(node: Any) -> Any:
    """A tree as it is written, from one as it is read."""
    if isinstance(node, Element):
        return [node.tag, dict(node.attributes), *[plain(child) for child in node.children]]
    return node


def whole(raw: Any) -> Any:
    """A tree as it is written, with attributes everywhere."""
    if isinstance(raw, str):
        return raw
    return [raw[0], dict(raw[1]) if len(raw) > 1 else {}, *[whole(child) for child in raw[2:]]]


def numbered(raw: Any) -> list[Any]:
    """The nodes of a tree without references, in the order of their numbers."""
    if isinstance(raw, str):
        return [raw]
    return [*[node for child in raw[2:] for node in numbered(child)], raw]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Any], list[Any]]:
    """Pages as recorded, in which parts are references to the pages before; and the same pages in full."""
    first = draw(pages)
    recorded, full = [first], [first]
    known = [numbered(first)]
    for _ in range(draw(st.integers(0, 4))):
        own: list[Any] = []

        def page(depth: int, own: list[Any] = own) -> tuple[Any, Any]:
            choice = draw(st.integers(0, 3 if depth else 1))
            if choice == 0 and depth:
                back = draw(st.integers(1, len(known)))
                number = draw(st.integers(0, len(known[-back]) - 1))
                return [[back, number]], known[-back][number]
            if choice == 1 and depth:
                words = draw(texts)
                own.append(words)
                return words, words
            children = [page(depth + 1) for _ in range(draw(st.integers(0, 3 if depth < 3 else 0)))]
            tag = "HTML" if not depth else draw(st.sampled_from(TAGS))
            short = [tag, {}, *[child[0] for child in children]]
            long = [tag, {}, *[child[1] for child in children]]
            own.append(long)
            return short, long

        short, long = page(0)
        recorded.append(short)
        full.append(long)
        known.append(own)
    return recorded, full


@given(histories())
def test_references_are_put_in(history: tuple[list[Any], list[Any]]) -> None:
    """Pages recorded as differences are the pages that were recorded, node for node."""
    recorded, full = history
    counter = NodeCounter()
    for short, long in zip(recorded, full, strict=True):
        root = counter.add(short)
        assert plain(root) == whole(long)
        assert root.size == len(numbered(long))


class Counting(HTMLParser):
    """How many elements and which texts a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements += "data-rebuilt" not in dict(attrs)

    def handle_data(self, data: str) -> None:
        self.words += data


@given(raw=pages)
def test_a_rebuilt_page_has_as_many_elements(raw: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """And the same text, whatever characters it is made of."""
    path = made.write(tmp_path_factory.mktemp("one", numbered=True) / "t.zip", [snapshot(raw)])
    recording = Recording.open(path)
    counting = Counting()
    counting.feed(recording.html(recording.pages[0]))
    counting.close()
    assert counting.elements == sum(not isinstance(node, str) for node in numbered(raw))
    assert counting.words == "".join(node for node in numbered(raw) if isinstance(node, str))


@given(raw=pages)
def test_every_element_is_found_at_its_path(raw: Any) -> None:
    """``walk`` and ``at`` agree."""
    root = NodeCounter().add(raw)
    for path, element in walk(root):
        assert at(root, path) is element


def test_the_element_acted_on_is_found_in_a_shadow_root() -> None:
    """A path goes through shadow roots; the recorder's own elements and scripts do not count."""
    field = ["INPUT", {"__playwright_target__": ""}]
    host = ["X-A", {}, ["template", {"__playwright_shadow_root_": "open"}, ["B"], field], ["I"]]
    sheet = ["template", {"__playwright_style_sheet_": "p {}"}]
    root = NodeCounter().add(["HTML", {}, ["HEAD", {}, ["BASE", {"href": "x"}]], ["BODY", {}, sheet, ["SCRIPT"], host]])
    path = target_of(root)
    assert path == (1, 0, "#", 1)
    found = at(root, path)
    assert found is not None
    assert found.tag == "INPUT"
    assert at(root, (1, 0, "#", 7)) is None
    assert at(root, (0, "#", 0)) is None
