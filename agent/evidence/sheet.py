"""A page made of a template and the style sheet: self-contained, and bound by a policy to stay so."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cached_property
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from agent.evidence import wording

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 .,:@_-]")

#: The header of each printed page. Its text is put into the style, so it has plain letters only.
_RUNNING = """
@page {{
  size: {paper};
  @top-left {{ content: "{title}"; }}
  @top-right {{ content: "Page " counter(page) " of " counter(pages); }}
}}
"""


class Sheet:
    """One template of ``agent/evidence/templates``, compiled once a process."""

    def __init__(self, template: str, paper: str = "A4") -> None:
        self._name = template
        self._paper = paper

    def render(self, *, running_title: str, **values: Any) -> str:
        """The page. ``running_title`` stands on top of each printed page; everything else goes to the template."""
        style = self._style + _RUNNING.format(paper=self._paper, title=_NOT_PLAIN.sub("", running_title)[:120])
        policy = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        # The style sheet is our own file, and what is put into it above has nothing that means anything in HTML.
        return self._template.render(style=Markup(style), style_hash=policy, **values)  # noqa: S704  # see above

    @cached_property
    def _template(self) -> Template:
        environment = Environment(
            loader=FunctionLoader(_text),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(
            moment=wording.moment, clock=wording.clock, seconds=wording.seconds, size=wording.size
        )
        environment.globals.update(counted=wording.counted)
        return environment.get_template(self._name)

    @cached_property
    def _style(self) -> str:
        return _text("report.css")


def _text(name: str) -> str:
    return (files("agent.evidence") / "templates" / name).read_text("utf-8")
