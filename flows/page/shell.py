"""What surrounds every page of the app host: who is signed in, flashes, errors, language, layers on top.

Sources: header, flash, page globals [C]; sign-in form under the target's own address [C]; error pages [I].
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.errors import Failed, Mender, RetrySafe, SignedOut, UnknownPage
from flows.catalogue import Catalogue
from flows.tenant import TenantAddress

# Run in every document before its own scripts: a flash fades by itself, on a loaded machine before it is read.
_FLASH_RECORDER = r"""
  const recorded = Symbol.for("agent.flashes");
  if (window === window.top && !(recorded in window)) {
    window[recorded] = [];
    document.addEventListener("DOMContentLoaded", () => {
      window[recorded].push(...document.querySelectorAll(SELECTOR));
    }, { once: true });
  }
"""

SHELL_SCRIPT = r"""
  const flashes = () => [...new Set([...(window[Symbol.for("agent.flashes")] || []), ...many("shell.flash")])];
  const shell = () => {
    const avatar = maybe("shell.avatar");
    const known = [["announcement", many("overlay.announcement")], ["guide", many("overlay.guide")],
      ["consent", many("overlay.consent")]];
    const overlays = known.filter(([, all]) => all.some(visible)).map(([kind]) => kind);
    const inside = (el, all) => all.some((layer) => layer === el || layer.contains(el));
    const ours = (el) => layers.some(({ css, headline }) => {
      const top = el.closest(css);
      return top && (!headline || many("confirm.headline", top).some((head) => words(head) === headline));
    });
    const unknown = many("shell.layer").filter((el) =>
      visible(el) && !ours(el) && !known.some(([, all]) => inside(el, all)));
    const page = typeof Procore === "undefined" ? {} : (Procore.Environment || {});
    return {
      url: location.href, title: document.title,
      signedIn: avatar !== null, login: avatar ? avatar.getAttribute("data-login") || "" : "",
      signInForm: many("sign_in.field").some(visible),
      locale: page.locale || document.documentElement.lang || "", companyId: String(page.companyId || ""),
      flashes: flashes().map((el) => ({
        kind: (el.className.match(/alert-(\w+)/) || [, ""])[1],
        text: message(many("shell.flash_text", el)[0] || el) })),
      error: words(many("shell.error_heading")[0]), newGeneration: many("shell.new_generation").length > 0,
      olderGeneration: many("shell.older_generation").length > 0,
      overlays, unknown: unknown.map(name),
    };
  };
"""


def flash_recorder(catalogue: Catalogue) -> str:
    """The script that remembers the flashes which a document came with, as long as the document lives."""
    script = _FLASH_RECORDER.replace("SELECTOR", json.dumps(catalogue.css("shell.flash")))
    return f"(() => {{{script}}})();"


@dataclass(frozen=True)
class Layer:
    """A window that a flow has opened itself: the catalogue key of its place, and its headline where that tells it."""

    key: str
    headline: str = ""


@dataclass(frozen=True)
class Flash:
    """A message above the page. It fades by itself; the recorder keeps those that the document came with. Its absence
    still says nothing: not every answer has one."""

    kind: str  # notice, success, error
    text: str


@dataclass(frozen=True)
class Shell:
    """The surroundings of a page at one moment."""

    url: str
    title: str
    signed_in: bool
    login: str
    sign_in_form: bool  # or the one-time code that comes after it
    locale: str
    company_id: str
    flashes: tuple[Flash, ...]
    error: str
    new_generation: bool
    older_generation: bool
    overlays: tuple[str, ...]  # kinds of known layers that are on top
    unknown_layers: tuple[str, ...]
    document: float = 0.0  # the same for as long as the same document is on the page

    @classmethod
    def of(cls, raw: Mapping[str, Any], document: float = 0.0) -> Shell:
        """From the script's answer, and the mark of the document that it was read from."""
        return cls(
            url=raw["url"],
            title=raw["title"],
            signed_in=raw["signedIn"],
            login=raw["login"],
            sign_in_form=raw["signInForm"],
            locale=raw["locale"],
            company_id=raw["companyId"],
            flashes=tuple(Flash(item["kind"], item["text"]) for item in raw["flashes"]),
            error=raw["error"],
            new_generation=raw["newGeneration"],
            older_generation=raw.get("olderGeneration", False),  # not in older recordings
            overlays=tuple(raw["overlays"]),
            unknown_layers=tuple(raw["unknown"]),
            document=document,
        )

    @property
    def is_signed_out(self) -> bool:
        """The sign-in form is shown, wherever (also under the target's own address [C]), and no avatar; or the session
        is asked for its one-time code again, which any request may meet [I]."""
        return self.sign_in_form and not self.signed_in

    def is_denied(self, catalogue: Catalogue) -> bool:
        """A flash says that this part of the site is closed to the account; the status was 200 all the same [C]."""
        words = re.compile(catalogue.text("flash.denied"))
        return any(words.search(flash.text) for flash in self.flashes)

    def refuse_other_page(self, catalogue: Catalogue, wanted: str, generation: str | None = None) -> None:
        """Raise what fits when the page is not the one wanted; return when nothing is known about it.

        UnknownPage("unknown-generation") where a ``generation`` is expected and the page is of the other one: the
        sign for trying the other flows.
        """
        if self.is_signed_out:
            raise SignedOut
        if self.is_denied(catalogue):
            raise Failed(
                "denied",
                f"The service account may not open {wanted}.",
                expected=wanted,
                seen="the flash for a part of the site without access",
                retry_safe=RetrySafe.YES,
            )
        if (generation == "mfe" and self.older_generation) or (generation == "legacy" and self.new_generation):
            raise UnknownPage(
                "unknown-generation",
                f"The page for {wanted} is of another generation than the one that was expected.",
                expected=f"a page of the generation {generation}",
                seen="a page of the older generation" if generation == "mfe" else "a page of the new generation",
            )
        if self.error:
            raise Failed(
                "service-error", f"Procore shows an error page for {wanted}.", expected=wanted, seen=self.error
            )

    def refuse_before_write(self, tenant: TenantAddress, account: str) -> None:
        """Raise when this page must not be written to: signed out, other account, other language, unknown layer."""
        if self.is_signed_out:
            raise SignedOut
        if self.login.casefold() != account.casefold():
            raise Failed(
                "other-account",
                "The page is signed in as somebody else than the service account.",
                expected=account,
                seen=self.login or "no account",
                retry_safe=RetrySafe.NO,
            )
        self.refuse_other_language(tenant)
        self.refuse_other_company(tenant)
        self.refuse_unknown_layers()

    def refuse_other_language(self, tenant: TenantAddress) -> None:
        """Raise UnknownPage when the page is in a language that the flows do not read."""
        if not tenant.knows_language(self.locale):
            raise UnknownPage(
                "unknown-language",
                "The service account's pages are in another language than the flows know.",
                expected=" or ".join(sorted(tenant.locales)),
                seen=self.locale or "no language",
                mender=Mender.OPERATOR,
            )

    def refuse_other_company(self, tenant: TenantAddress) -> None:
        """Raise when the page says that it belongs to another company than the tenant's."""
        refuse_company(tenant, self.company_id)

    def refuse_unknown_layers(self) -> None:
        """Raise UnknownPage when a window is open that no flow has opened: it may be the warning one must read."""
        if self.unknown_layers:
            raise UnknownPage(
                "unknown-dialog",
                "A window is open that this agent does not know; a person should read it.",
                expected="no window but the agent's own",
                seen=" | ".join(self.unknown_layers),
            )


def refuse_company(tenant: TenantAddress, seen: str) -> None:
    """Failed("other-company") for the id of another company; "" is a page that does not say."""
    if seen and seen != tenant.company_id:
        raise Failed(
            "other-company",
            "The page belongs to another company.",
            expected=tenant.company_id,
            seen=seen,
            mender=Mender.OPERATOR,
            retry_safe=RetrySafe.NO,
        )
