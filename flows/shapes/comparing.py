"""Compare a region with what the pack knows of it. Pure: the rules of docs/reference/selectors.md, "Shapes".

Nothing found: the same, or changed in a way that cannot matter. ``DEGRADED``: changed, and this write means what it
meant. ``DANGEROUS``: the write could mean something else; nobody may go on but a person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from flows.known_shapes import Kind, KnownControl, KnownShape
from flows.shapes.seen import SeenControl, SeenShape

_SENT = frozenset({Kind.TEXT, Kind.CHECKBOX, Kind.RADIO, Kind.SELECT, Kind.PICKER, Kind.HIDDEN, Kind.FILE})
_PRESSED = frozenset({Kind.BUTTON, Kind.ENTRY})
HEADLINE, QUESTION, ADDRESS = "the window's headline", "what the window says", "where the form goes"
_PROTOCOL = frozenset({"authenticity_token", "utf8", "_method"})  # Rails' own; the server knows them in every form


class Severity(StrEnum):
    """What a difference means for the write that is about to be made."""

    DEGRADED = "degraded"  #: told and gone on
    DANGEROUS = "dangerous"  #: nothing is written


@dataclass(frozen=True)
class Finding:
    """One difference: ``control`` is the flow's name of it, or what the page shows."""

    severity: Severity
    rule: str
    control: str
    expected: str
    seen: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.control}: expected {self.expected}, seen {self.seen}"


def compared(
    known: KnownShape, seen: SeenShape, touches: Collection[str], values: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Every difference that matters, the worst first. ``values`` fill the placeholders of the form's address.

    KeyError when the flow touches a control that the entry does not name: a mistake of ours, not of the page.
    """
    if strange := set(touches) - set(known.controls):
        raise KeyError(f"the entry has no control {', '.join(sorted(strange))}")
    pairs = _paired(known, seen)
    found = [
        *_about_words_around(known, seen),
        *_about_address(known, seen, values),
        *_about_known(known, seen, pairs, touches),
        *_about_unknown(known, seen, pairs, touches),
    ]
    return tuple(sorted(found, key=lambda item: item.severity is not Severity.DANGEROUS))


def side_by_side(known: KnownShape, seen: SeenShape, findings: Collection[Finding]) -> tuple[tuple[str, str, str], ...]:
    """Known and seen in rows, for people who compare: each row with what its findings mean ("" for none)."""

    def worst(*controls: str) -> str:
        severities = {item.severity for item in findings if item.control in controls}
        return next((item.value for item in (Severity.DANGEROUS, Severity.DEGRADED) if item in severities), "")

    rows = []
    if known.kind == "window":
        for name, expected, told in (
            (HEADLINE, known.headings + known.headings_gb, seen.headings),
            (QUESTION, known.questions + known.questions_gb, seen.blocks),
        ):
            rows.append((" / ".join(expected), " ".join(told), worst(name)))
    if known.action:
        rows.append((known.action, f"{seen.method} {seen.action}", worst(ADDRESS)))
    pairs = _paired(known, seen)
    for key, control in known.controls.items():
        titles = [item.title for item in pairs[key]]
        rows.append((f"{key}: {_identity(control)} {_quoted(control.all_words)}", "; ".join(titles), worst(key)))
    met = {id(item) for group in pairs.values() for item in group}
    rows += [("", item.title, worst(item.title)) for item in seen.controls if id(item) not in met]
    return tuple(rows)


def _paired(known: KnownShape, seen: SeenShape) -> dict[str, list[SeenControl]]:
    """For each known control those that it may be: by what lasts first, by words where nothing lasts."""
    pairs = {
        key: [item for item in seen.controls if _is_lasting(control, item)] for key, control in known.controls.items()
    }
    taken = {id(item) for group in pairs.values() for item in group}
    for key, control in known.controls.items():
        if not pairs[key] and not control.name and not control.sends:
            pairs[key] = [
                item
                for item in seen.controls
                if id(item) not in taken and item.kind is control.kind and any(map(control.says, item.words))
            ]
    return pairs


def _is_lasting(control: KnownControl, item: SeenControl) -> bool:
    """Whether what lasts of a control says that this is it."""
    if control.name and control.is_named(item.name):
        return not control.value or control.value == item.value
    if control.hook and control.hook == item.hook:
        return not control.name or not item.name
    return control.sends and not control.name and item.sends and not item.name and item.kind is Kind.BUTTON


def _about_words_around(known: KnownShape, seen: SeenShape) -> Iterator[Finding]:
    if known.kind != "window":
        return
    headings = known.headings + known.headings_gb
    for heading in seen.headings:
        if heading not in headings:
            yield _dangerous("headline-unknown", HEADLINE, _quoted(headings), repr(heading))
    questions = known.questions + known.questions_gb
    for block in seen.blocks:
        if block not in questions:
            yield _dangerous("question-unknown", QUESTION, _quoted(questions), repr(block))
    if (headings and not seen.headings) or (questions and not seen.blocks):
        yield _dangerous("question-gone", QUESTION, _quoted(headings + questions), "nothing")


def _about_address(known: KnownShape, seen: SeenShape, values: Mapping[str, str]) -> Iterator[Finding]:
    if not known.action:
        return
    method, _, path = known.action.partition(" ")
    wanted = path.format_map(values)
    if seen.forms != 1 or (seen.method, seen.action) != (method.lower(), wanted):
        told = f"{seen.method} {seen.action}" if seen.forms == 1 else f"{seen.forms} forms"
        yield _dangerous("address-changed", ADDRESS, f"{method.lower()} {wanted}", told)


def _about_known(
    known: KnownShape, seen: SeenShape, pairs: Mapping[str, list[SeenControl]], touches: Collection[str]
) -> Iterator[Finding]:
    for key, control in known.controls.items():
        is_touched = key in touches
        group = pairs[key]
        if not group:
            yield from _about_missing(key, control, seen, is_touched)
            continue
        names = {(item.name, item.value) for item in group}  # "#" stands for an id: rows of different people
        alike = len(names) < len(group) and not any("#" in name for name, _ in names)
        if alike and (is_touched or control.kind in _SENT):
            yield _dangerous("more-than-one", key, "one control", f"{len(group)}: {group[0].title}")
        for item in group:
            yield from _about_one(known, key, control, item, is_touched)


def _about_missing(key: str, control: KnownControl, seen: SeenShape, is_touched: bool) -> Iterator[Finding]:
    if control.optional:  # where the flow needs it, the flow says so
        return
    said = [item for item in seen.controls if item.kind is control.kind and any(map(control.says, item.words))]
    if said:
        yield _dangerous("identity-changed", key, _identity(control), said[0].title)
    else:
        severity = Severity.DANGEROUS if is_touched else Severity.DEGRADED
        yield Finding(severity, "gone", key, _identity(control), "nothing")


def _about_one(
    known: KnownShape, key: str, control: KnownControl, item: SeenControl, is_touched: bool
) -> Iterator[Finding]:
    severity = Severity.DANGEROUS if is_touched else Severity.DEGRADED
    if item.kind is not control.kind:
        yield Finding(severity, "kind-changed", key, control.kind.value, item.kind.value)
    if control.hook and item.hook != control.hook and "=" in item.hook and item.name:
        yield Finding(Severity.DEGRADED, "hook-changed", key, control.hook, item.hook)
    yield from _about_words(known, key, control, item, severity)
    if _must_be_empty(known, control) and item.preset:
        yield _dangerous("chosen-beforehand", key, "nothing chosen", f"{item.title} is filled or ticked")
    if known.fresh and item.required and not (control.required or item.preset or is_touched):
        yield _dangerous("newly-required", key, "a control that may stay empty", f"{item.title} is required")
    if item.kind is Kind.BUTTON and (item.value != control.value or item.name != control.name):
        yield Finding(severity, "sends-another", key, _identity(control), f"{item.title}, value {item.value!r}")
    if item.action:
        yield _dangerous("address-changed", key, "a button that sends the form where it goes", item.action)


def _about_words(
    known: KnownShape, key: str, control: KnownControl, item: SeenControl, severity: Severity
) -> Iterator[Finding]:
    if not control.all_words:
        return
    if not item.words:
        yield Finding(severity, "words-gone", key, _quoted(control.all_words), "no words")
    for words in item.words:
        if control.says(words):
            continue
        owner = next((name for name, other in known.controls.items() if _is_other(control, other, item, words)), None)
        if owner is not None:
            yield _dangerous("words-of-another", key, _quoted(control.all_words), f"{words!r}, which is {owner}")
        else:
            yield Finding(severity, "words-unknown", key, _quoted(control.all_words), repr(words))


def _is_other(control: KnownControl, other: KnownControl, item: SeenControl, words: str) -> bool:
    """Whether these words belong to another control of the same sort; that of a name does not count."""
    same_sort = (
        {control.kind, other.kind} <= _PRESSED or {control.kind, other.kind} <= _SENT or other.kind is control.kind
    )
    return other is not control and same_sort and words in other.all_words


def _must_be_empty(known: KnownShape, control: KnownControl) -> bool:
    if control.kind in {Kind.BUTTON, Kind.LINK, Kind.ENTRY, Kind.ROW} or control.name in _PROTOCOL:
        return False
    return control.preset == "never" or (known.fresh and control.preset != "may")


def _about_unknown(
    known: KnownShape, seen: SeenShape, pairs: Mapping[str, list[SeenControl]], touches: Collection[str]
) -> Iterator[Finding]:
    met = {id(item) for group in pairs.values() for item in group}
    for item in seen.controls:
        if id(item) in met or item.name in _PROTOCOL:
            continue
        if item.kind in _SENT:
            yield from _about_new_field(known, item)
        elif item.kind in _PRESSED | {Kind.ROW}:
            yield from _about_new_button(known, item, touches)


def _about_new_field(known: KnownShape, item: SeenControl) -> Iterator[Finding]:
    """A field that nobody knows: harmless as long as leaving it alone decides nothing."""
    expected = "only known controls"
    if item.required:
        yield _dangerous("new-required", item.title, expected, "a new control that is required")
    elif item.preset and (known.fresh or item.kind is not Kind.TEXT):
        yield _dangerous("new-and-chosen", item.title, expected, "a new control that is filled or ticked")
    elif owner := _owner(known, item):
        yield _dangerous("words-of-another", item.title, expected, f"a new control with the words of {owner}")
    elif item.name or item.words:
        yield Finding(Severity.DEGRADED, "new-optional", item.title, expected, "a new control that may stay as it is")


def _about_new_button(known: KnownShape, item: SeenControl, touches: Collection[str]) -> Iterator[Finding]:
    owner = _owner(known, item)
    if owner is not None and (owner in touches or item.kind is not Kind.BUTTON):
        told = f"a new control with the words of {owner}"
        yield _dangerous("words-of-another", item.title, "only known controls", told)
    elif item.sends:
        yield Finding(Severity.DEGRADED, "new-button", item.title, "only known controls", "a new button that sends")


def _owner(known: KnownShape, item: SeenControl) -> str | None:
    """The known control of this sort whose words these are."""
    return next(
        (
            key
            for key, control in known.controls.items()
            if any(words in control.all_words for words in item.words)
            and (
                control.kind is item.kind or {control.kind, item.kind} <= _PRESSED or {control.kind, item.kind} <= _SENT
            )
        ),
        None,
    )


def _identity(control: KnownControl) -> str:
    lasting = control.name + (f"={control.value}" if control.value else "") or control.hook
    return f"{control.kind.value} {lasting or _quoted(control.all_words)}"


def _quoted(words: Collection[str]) -> str:
    return " or ".join(repr(word) for word in words) or "nothing"


def _dangerous(rule: str, control: str, expected: str, seen: str) -> Finding:
    return Finding(Severity.DANGEROUS, rule, control, expected, seen)
