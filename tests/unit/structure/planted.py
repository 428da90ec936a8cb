"""People, projects and secrets that exist in tests only, in every place of a page where they could stand."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote

from flows import RawNode, RawPage

#: What must never come out, by what it is. None of it is made of the pages' own words.
PLANTED = {
    "name": "Odalys Thornquist",
    "first name": "Odalys",
    "last name": "Thornquist",
    "other letters": "Zoë Łukasiewicz",
    "address": "odalys.thornquist@quarrystone.example",
    "phone": "(555) 010-4477",
    "job title": "Senior Estimator",
    "company": "Quarrystone Masonry & Sons",
    "project": "Gullwing Ferry Terminal",
    "project number": "24-0917",
    "token": "Zk3nQ8vT1xYw7LpR5mBd2HsJ",
    "hex": "9f86d081884c7d659a2feaa0c55ad015",
    "uuid": "3f2c1b9e-77aa-4c1d-9a55-0d5c8f1e2b34",
    "user id": "4810377",
    "long id": "562949953421987",
    "street": "17 Cobblestone Alley",
    "template": "Gullwing Visitors",
}


def encodings(text: str) -> Iterator[str]:
    """A text as it may stand in a file: as it is, in addresses, in markup, in JSON, in base64."""
    yield text
    yield quote(text)
    yield quote(text, safe="")
    yield quote(quote(text))
    yield text.replace("&", "&amp;").replace("'", "&#39;")
    yield "".join(f"&#{ord(letter)};" for letter in text)
    yield json.dumps(text)
    yield json.dumps(json.dumps(text))
    yield base64.b64encode(text.encode()).decode()
    yield base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    yield text.upper()
    yield text.lower()
    yield text.replace(" ", ".")
    yield text.replace(" ", "-").lower()
    yield text.replace(" ", "_").lower()


def pieces(planted: str) -> Iterator[RawNode]:
    """An element for each place on a page where a text could stand, with the text in it."""
    joined = planted.replace(" ", "-")
    yield RawNode("p", {}, (planted,))
    yield RawNode("button", {"type": "button"}, (f"Remove {planted} from {planted}",))
    yield RawNode("h2", {}, ("Add ", RawNode("b", {}, (planted,)), " to All New Projects"))
    yield RawNode("title", {}, (f"Directory • {planted}",))
    yield RawNode("script", {"type": "application/json"}, (json.dumps({"people": [planted], planted: 1}),))
    yield RawNode("style", {}, (f".a::after {{ content: '{planted}' }}",))
    yield RawNode("select", {"name": planted}, (RawNode("option", {"value": planted}, (planted,)),))
    yield RawNode("svg", {"aria-label": planted}, (RawNode("title", {}, (planted,)),))
    yield RawNode("textarea", {"name": "notes"}, (planted,))
    yield RawNode(f"x-{joined}".lower(), {}, ())
    names = (
        "id class name title alt placeholder aria-label aria-description aria-labelledby for role type href action src "
        "style value content data-qa data-pendo data-login data-name data-value data-text data-props data-id onclick "
        "datetime lang pattern srcdoc autocomplete target rel method download"
    )
    for name in names.split():
        yield RawNode("div", {name: planted}, ())
        yield RawNode("a", {name: f"/{joined}/users/{planted}?search={planted}#{planted}"}, ())
        yield RawNode("input", {name: f"user[{planted}]"}, ())
        yield RawNode("i", {name: json.dumps({planted: {"x": [planted, {planted: planted}]}})}, ())
        yield RawNode("b", {name: f"{planted} Edit"}, ())
        yield RawNode("u", {name: f"row-{joined}-cell"}, ())
    yield RawNode("div", {f"data-{joined}".lower(): "1", joined: planted}, ())
    yield RawNode("meta", {"name": "csrf-token", "content": planted}, ())
    yield RawNode("template", {}, (planted,))
    yield RawNode("iframe", {"src": planted, "name": planted}, (planted,))
    yield RawNode("header-app", {}, (RawNode("span", {}, (f"{planted} ", planted)),))


def page(*planted: str) -> RawPage:
    """A page with all of these in all of the places."""
    body = RawNode("body", {}, tuple(piece for text in planted for piece in pieces(text)))
    return RawPage(
        "company/users",
        "legacy",
        f"https://app.example.test/{planted[0]}/company/directory?search={quote(planted[0])}",
        planted[0],
        RawNode("html", {"lang": "en-US"}, (body,)),
        {planted[0]: "string", "companyId": "number"},
    )
