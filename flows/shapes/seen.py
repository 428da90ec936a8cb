"""The shape of a region as a page shows it: structure and the words of the interface, nobody's data.

One evaluation. Names that the flow gives are taken out of all words (``{}``), so are e-mail addresses, and digits
become ``#``. Values are left out but those of buttons, radio buttons and menu entries, which are the page's own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from flows.known_shapes import Kind
from flows.page.reading import Reading

SHAPE = Reading(
    None,
    r"""
    const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+");
    const names = given.names.filter(Boolean).sort((a, b) => b.length - a.length);
    const someone = names.length
      ? new RegExp(`(?<![\\p{L}\\p{N}])(?:${names.map(escaped).join("|")})(?![\\p{L}\\p{N}])`, "giu") : null;
    const plain = (text) => {
      let told = text.replace(/\s+/g, " ").trim();
      if (someone) told = told.replace(someone, "{}");
      return told.replace(/[^\s<>(),;:]+@[^\s<>(),;:]+/g, "{}").replace(/\d/g, "#");
    };
    const CONTROL = 'input, select, textarea, button, a[href], [role="button"], [role="menuitem"], [role="checkbox"],'
      + ' [role="switch"], [role="radio"], [role="combobox"], [contenteditable="true"], [data-tool]';
    const HEADING = 'h1, h2, h3, h4, h5, h6, legend, [role="heading"]';
    const SILENT = `${CONTROL}, script, style, svg, template, [aria-hidden="true"]`;
    const inside = (node) => {
      if (node.nodeType === Node.TEXT_NODE) return node.data;
      if (node.nodeType !== Node.ELEMENT_NODE || node.matches(SILENT)) return " ";
      return [...node.childNodes].map(inside).join("");
    };
    const said = (el) => plain([...el.childNodes].map(inside).join("")).replace(/\s*[*:]\s*$/, "");
    const byId = (id) => document.getElementById(id);
    const named = (el) => {
      const ids = (el.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean);
      return ids.map(byId).filter(Boolean).map(said).join(" ");
    };
    const wordsOf = (el, kind) => {
      const all = [named(el), plain(el.getAttribute("aria-label") || "")];
      if (el.labels) all.push(...[...el.labels].map(said));
      if (["button", "link", "entry"].includes(kind)) all.push(el.tagName === "INPUT" ? plain(el.value) : said(el));
      if (kind === "row") all.push(el.cells && el.cells[0] ? said(el.cells[0]) : "");
      if (!all.some(Boolean)) all.push(plain(el.getAttribute("title") || el.getAttribute("placeholder") || ""));
      return [...new Set(all.map((text) => text.replace(/\s*[*:]\s*$/, "")).filter(Boolean))];
    };
    const hookOf = (el) => {
      for (const name of ["data-qa", "data-pendo", "data-field", "data-testid"]) {
        const own = el.getAttribute(name);
        if (own) return `${name}=${plain(own)}`;
      }
      return el.id && !/[0-9:]/.test(el.id) ? `id=${el.id}` : "";
    };
    const json = (text) => { try { return String(JSON.parse(text)); } catch { return text; } };
    const kindOf = (el) => {
      const role = el.getAttribute("role") || "";
      if (el.dataset.tool !== undefined && !el.matches("input, select, textarea, button, a")) return "row";
      if (role === "menuitem" || role === "option") return "entry";
      if (el.getAttribute("aria-haspopup") === "listbox") return "picker";
      if (el.tagName === "SELECT") return "select";
      if (el.tagName === "TEXTAREA" || el.isContentEditable || role === "combobox") return "text";
      if (el.tagName === "A") return role === "button" ? "button" : "link";
      if (el.tagName === "BUTTON") return "button";
      if (["checkbox", "switch"].includes(role)) return "checkbox";
      if (role === "radio") return "radio";
      if (role === "button") return "button";
      const type = el.type;
      if (["submit", "button", "image", "reset"].includes(type)) return "button";
      return ["checkbox", "radio", "hidden", "file"].includes(type) ? type : "text";
    };
    // The box of a picker: what holds its trigger and the one hidden input that it sets.
    const boxOf = (trigger) => {
      for (let el = trigger.parentElement, up = 0; el && up < 4; el = el.parentElement, up += 1) {
        const sent = el.querySelectorAll('input[type="hidden"][name]');
        if (sent.length) return sent.length === 1 ? { el, sent: sent[0] } : null;
      }
      return null;
    };
    const chosen = (el, kind, sent) => {
      if (kind === "picker") return !!sent && sent.value !== "";
      if (kind === "checkbox" || kind === "radio")
        return el.matches("input") ? el.checked : el.getAttribute("aria-checked") === "true";
      if (kind === "select") return el.value !== "";
      if (kind === "text") return (el.value === undefined ? words(el) : el.value) !== "";
      return kind === "hidden" ? el.value !== "" : kind === "file" ? el.files.length > 0 : false;
    };
    const optionsOf = (el) => {
      const kinds = { "": "empty" };
      const of = (value) => kinds[value] || (/^\d+$/.test(value) ? "id" : "word");
      return [...new Set([...el.options].map((option) => of(option.value)))].sort();
    };
    const shapeOf = (top) => {
      const forms = top.matches("form") ? [top] : [...top.querySelectorAll("form")];
      const outside = forms.flatMap((form) => [...form.elements].filter((el) => !top.contains(el)));
      const all = [...top.querySelectorAll(CONTROL), ...outside];
      const pickers = new Map();
      for (const el of all) if (kindOf(el) === "picker") pickers.set(el, boxOf(el));
      const boxes = [...pickers.values()].filter(Boolean);
      const twins = new Set(all.filter((el) => el.type === "checkbox" && el.name).map((el) => el.name));
      const listed = given.listed ? [...top.querySelectorAll(given.listed)] : [];
      const controls = [], repeated = {};
      for (const el of all) {
        const kind = kindOf(el), box = pickers.get(el);
        if (kind !== "picker" && boxes.some(({ el: around, sent }) => el === sent
          || (around.contains(el) && kind === "button"))) continue;
        if (kind === "hidden" && el.value === "0" && twins.has(el.name)) continue;
        if (listed.some((person) => person !== el && person.contains(el))) continue;
        const name = kind === "row" ? el.dataset.tool : kind === "entry" ? json(el.getAttribute("data-value") || "")
          : box ? box.sent.name : el.getAttribute("name") || "";
        if (name.endsWith("[]") && repeated[`${name} ${kind}`]) { repeated[`${name} ${kind}`].times += 1; continue; }
        const type = (el.getAttribute("type") || "").toLowerCase();
        const sends = kind === "button" && !!el.form && (el.tagName === "BUTTON" ? el.type === "submit"
          : ["submit", "image"].includes(type));
        const many = name.endsWith("[]");
        const control = {
          kind, name: plain(name), value: ["button", "radio"].includes(kind) && el.tagName !== "INPUT"
            || kind === "radio" ? plain(el.getAttribute("value") || "") : "",
          hook: hookOf(el) || (box ? hookOf(box.el) || (box.el.parentElement ? hookOf(box.el.parentElement) : "") : ""),
          sends, words: many ? [] : wordsOf(el, kind), required: el.getAttribute("aria-required") === "true"
            || el.required === true,
          disabled: el.matches(":disabled") || el.getAttribute("aria-disabled") === "true",
          preset: many ? false : chosen(el, kind, box ? box.sent : null), times: 1,
          options: kind === "select" ? optionsOf(el) : [],
          action: el.hasAttribute("formaction") ? new URL(el.formAction, location.href).pathname : "",
        };
        if (many) repeated[`${name} ${kind}`] = control;
        controls.push(control);
      }
      const blocks = [];
      if (given.text) {
        let line = "";
        const flush = () => { const told = plain(line); if (told) blocks.push(told); line = ""; };
        const walk = (node) => {
          if (node.nodeType === Node.TEXT_NODE) { line += node.data; return; }
          if (node.nodeType !== Node.ELEMENT_NODE || node.matches(`${SILENT}, ${HEADING}, label`)) return;
          if (listed.includes(node)) return;
          const block = !inline.test(node.nodeName);
          if (block) flush();
          node.childNodes.forEach(walk);
          if (block) flush();
        };
        top.childNodes.forEach(walk);
        flush();
      }
      const own = forms.length === 1 ? forms[0] : null;
      const told = own && own.querySelector('input[name="_method"]');
      return { headings: [...top.querySelectorAll(HEADING)].filter(visible).map(said).filter(Boolean), blocks, controls,
        forms: forms.length, action: own ? new URL(own.getAttribute("action") || "", location.href).pathname : "",
        method: own ? (told ? told.value : own.method).toLowerCase() : "" };
    };
    const tops = [...document.querySelectorAll(given.root)].filter(visible);
    return tops.filter((el) => !tops.some((other) => other !== el && other.contains(el))).map(shapeOf);
    """,
    name="shape",
)


@dataclass(frozen=True)
class SeenControl:
    """One control as the page has it; ``words`` are all names that it bears (label, aria-label, text)."""

    kind: Kind
    name: str
    value: str
    hook: str
    sends: bool
    words: tuple[str, ...]
    required: bool
    disabled: bool
    preset: bool
    times: int
    options: tuple[str, ...]
    action: str

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> SeenControl:
        """From the script's answer."""
        lists = {"words": tuple(raw["words"]), "options": tuple(raw["options"])}
        return cls(**{**raw, **lists, "kind": Kind(raw["kind"])})

    @property
    def title(self) -> str:
        """What a person would call it."""
        told = next(iter(self.words), "")
        lasting = self.name or self.hook
        return (
            f"{self.kind.value} {told!r} ({lasting})" if told and lasting else f"{self.kind.value} {told or lasting!r}"
        )


@dataclass(frozen=True)
class SeenShape:
    """One region as the page has it."""

    headings: tuple[str, ...]
    blocks: tuple[str, ...]
    controls: tuple[SeenControl, ...]
    forms: int
    action: str
    method: str

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> SeenShape:
        """From the script's answer."""
        return cls(
            headings=tuple(raw["headings"]),
            blocks=tuple(raw["blocks"]),
            controls=tuple(SeenControl.of(item) for item in raw["controls"]),
            forms=raw["forms"],
            action=raw["action"],
            method=raw["method"],
        )

    def as_dict(self) -> dict[str, Any]:
        """For evidence and records; JSON as it stands, without anybody's id."""
        whole = asdict(self)
        whole["action"] = re.sub(r"\d+", "#", self.action)
        for control in whole["controls"]:
            control["action"] = re.sub(r"\d+", "#", control["action"])
        return whole

    @property
    def sha256(self) -> str:
        """Of the canonical form: the same shape has the same hash, in whatever order its controls stand."""
        whole = self.as_dict()
        whole["controls"] = sorted(json.dumps(control, sort_keys=True) for control in whole["controls"])
        return hashlib.sha256(json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
