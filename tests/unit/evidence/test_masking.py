"""Known secrets are taken out of text whatever encoding they stand in; everything else stays."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent.credentials.known import KnownSecrets, SecretKind
from agent.credentials.secret import Secret
from agent.evidence.masking import Masker
from agent.evidence.search import search_bytes

SECRET = 'Qu1et&"Har bor"%+42/ä\'<>\\z'

ENCODINGS: dict[str, Callable[[str], str]] = {
    "raw": lambda text: text,
    "json": json.dumps,
    "json, unicode": lambda text: json.dumps(text, ensure_ascii=False),
    "json in json": lambda text: json.dumps(json.dumps(text)),
    "json with slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "percent": lambda text: quote(text, safe=""),
    "percent, small letters": lambda text: quote(text, safe="").replace("%C3%A4", "%c3%a4").replace("%2F", "%2f"),
    "percent, path": quote,
    "percent, twice": lambda text: quote(quote(text, safe=""), safe=""),
    "form": quote_plus,
    "browser form": lambda text: quote_plus(text, safe="*-._"),
    "uri component": lambda text: quote(text, safe="!'()*~-_."),
    "html": html.escape,
    "html, numbers": lambda text: "".join(c if c.isalnum() and c.isascii() else f"&#{ord(c)};" for c in text),
    "html, hex": lambda text: "".join(c if c.isalnum() and c.isascii() else f"&#x{ord(c):X};" for c in text),
    "html in json": lambda text: json.dumps(html.escape(text)),
    "percent in html": lambda text: html.escape(quote(text)),
    "base64, 0": lambda text: base64.b64encode(text.encode()).decode(),
    "base64, 1": lambda text: base64.b64encode(b"a" + text.encode() + b"tail").decode(),
    "base64, 2": lambda text: base64.b64encode(b"ab" + text.encode() + b"end").decode(),
    "base64, url": lambda text: base64.urlsafe_b64encode(b"user:" + text.encode()).decode(),
}


def known(text: str = SECRET, kind: SecretKind = SecretKind.TEXT) -> KnownSecrets:
    """One known secret."""
    secrets = KnownSecrets()
    secrets.add("the secret", Secret(text), kind)
    return secrets


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_each_encoding_is_masked(encoding: str) -> None:
    """After masking the searcher, which shares no code, finds nothing; before, it does."""
    text = f"before {ENCODINGS[encoding](SECRET)} after"
    assert search_bytes(text.encode(), "text", known()), "the searcher must see it, else this test proves nothing"
    masked = Masker(known())(text)
    assert search_bytes(masked.encode(), "text", known()) == []
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@settings(deadline=None)  # the machine may be busy
@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=8, max_size=24))
def test_any_secret_in_any_encoding(secret: str) -> None:
    """Whatever the password is made of, masking leaves nothing that the searcher finds."""
    assume("*" not in secret and "Kioq" not in secret)  # a password of stars looks like its own mask
    secrets = known(secret)
    for name, encode in ENCODINGS.items():
        masked = Masker(secrets)(f"<< {encode(secret)} >>")
        assert search_bytes(masked.encode(), name, secrets) == []


def test_text_without_secrets_comes_back_as_it_was() -> None:
    """Nothing is touched where nothing is to be hidden."""
    text = json.dumps({"name": "Quiet Harbour", "number": 42, "path": "/a%20b?c=d&e"})
    assert Masker(known())(text) is text


def test_codes_are_masked_only_where_they_stand_alone() -> None:
    """Six digits inside a longer number, such as an id, are no leak."""
    mask = Masker(known("493817", SecretKind.ONE_TIME_CODE))
    assert mask('fill("493817") id 5549381799 x493817 code=493817&a') == 'fill("***") id 5549381799 x493817 code=***&a'


def test_secrets_that_become_known_later_are_masked_from_then_on() -> None:
    """A code made in mid-job is masked in all that is written after it."""
    secrets = known()
    mask = Masker(secrets)
    assert mask("c0ffee-cookie") == "c0ffee-cookie"
    secrets.add("cookie", Secret("c0ffee-cookie"))
    assert mask("c0ffee-cookie") == "***"


SEED = "JBSWY3DPEHPK3PXPNRUXEZLT"  # 24 characters: groups of four come out even
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda seed: seed,
    "small": str.lower,
    "small and capitals": str.title,
    "groups of four": lambda seed: " ".join(seed[at : at + 4] for at in range(0, len(seed), 4)),
    "small groups of four": lambda seed: " ".join(seed[at : at + 4] for at in range(0, len(seed), 4)).lower(),
    "dashes": lambda seed: "-".join(seed[at : at + 4] for at in range(0, len(seed), 4)).lower(),
    "groups of five": lambda seed: " ".join(seed[at : at + 5] for at in range(0, len(seed), 5)),
    "letter by letter": " ".join,
    "hard spaces": lambda seed: "\u00a0".join(seed[at : at + 4] for at in range(0, len(seed), 4)),
    "lines": lambda seed: "\n".join(seed[at : at + 8] for at in range(0, len(seed), 8)).lower(),
    "padding": lambda seed: f"{seed.lower()}======",
}
#: Those that are masked in base64, too; the rest of them is left to the searcher there, which keeps the file out.
IN_BASE64 = frozenset({"as it is", "small", "groups of four", "small groups of four", "padding"})


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("before", ["", "\\", "\n"])
def test_a_seed_goes_however_it_is_spelt(before: str, encoding: str, spelling: str) -> None:
    """Base32 knows no case, and people read it out in groups: each spelling is seen and masked in each encoding."""
    secrets = known(SEED, SecretKind.SEED)
    text = f"before {ENCODINGS[encoding](before + SPELLINGS[spelling](SEED))} after"
    assert search_bytes(text.encode(), "text", secrets), "the searcher must see it, else this test proves nothing"
    if encoding.startswith("base64") and spelling not in IN_BASE64:
        return
    masked = Masker(secrets)(text)
    assert search_bytes(masked.encode(), "text", secrets) == []
    assert masked.startswith("before ")
    assert masked.endswith(" after")


def test_a_masked_seed_leaves_json_whole() -> None:
    """Quotes and brackets do not count as what stands between two characters of a seed."""
    data = {"key": SEED[:4], "next": [SEED.lower(), SEED[4:8]], "typed": f"{SEED[:8]}-{SEED[8:]}"}
    masked = json.loads(Masker(known(SEED, SecretKind.SEED))(json.dumps(data)))
    assert masked == {"key": SEED[:4], "next": ["***", SEED[4:8]], "typed": "***"}


def test_half_a_seed_is_ordinary_text() -> None:
    """What is not the whole seed is left alone, by both."""
    text = f"{SEED[:-1].lower()} {SEED[1:]} {SEED[:4]} words between {SEED[4:]}"
    secrets = known(SEED, SecretKind.SEED)
    assert Masker(secrets)(text) is text
    assert search_bytes(text.encode(), "text", secrets) == []
