"""The first thing that an auditor reads in a bundle."""

from __future__ import annotations

import textwrap


def readme(kind: str, tenant: str, begin: str | None, end: str | None, equation: str, seed: str) -> str:
    """``README.txt`` in plain words; no date of making, so that the same evidence gives the same bytes."""
    if kind == "period":
        what = (
            f"This bundle is about all jobs that the provisioning agent accepted for the tenant {tenant} from {begin} "
            f"to before {end} (UTC): {equation}."
        )
        ledger = (
            "ledger/ has every entry of the tenant's ledger up to the signed checkpoint. So you can see for yourself "
            "that no job is missing: entries are numbered without gaps, each contains the hash of the one before, days "
            "on which nothing happened are signed, too."
        )
        lot = (
            f"The jobs that are here with pictures and recordings were drawn with the word {seed!r}: make sure that it "
            "is yours. "
            if seed
            else "The jobs that are here with pictures and recordings were drawn by lot; the seed is the root of the "
            "signed checkpoint, which nobody can choose. "
        )
        samples = (
            f"{lot}Those of the dangerous kinds are always here. bundle.json states the rule, so that you can draw "
            "again. Of all other jobs the records are here: request, plan, outcome, log, list of files."
        )
    else:
        what = f"This bundle is about one job of the provisioning agent for the tenant {tenant}, with all its files."
        ledger = (
            "ledger/proofs.json has the entries of the ledger about this job, each with the proof that it stands in "
            "the signed ledger in exactly this place, and without the other jobs' entries."
        )
        samples = ""
    parts = [
        "EVIDENCE OF THE PROVISIONING AGENT",
        what,
        "HOW TO CHECK IT",
        "You need the agent's program (no settings, no passwords, no network), this bundle, and the public key. The "
        "key must have reached you in another way than this bundle: from a letter, a call, an earlier audit. "
        "public-key.txt shows what the ledger says about itself; compare, but do not trust it for being here.",
        "    agent evidence verify bundle.zip --key 'agent/...+...+...'",
        "If you kept a head from an earlier audit (a small text from `agent evidence head`), add --head FILE: then a "
        "ledger that was rolled back or written anew since then is found out as well.",
        "The command says what is proven and what is not, and names each thing that is not as it was sealed.",
        "WHAT IS IN IT",
        "population.csv: one row for each job. changes.csv: one row for each change: who, what, before, after, when, "
        "ticket, requested by, approved by (as the request says), approved in the agent by (where policy asked for a "
        "yes), outcome, and where the evidence is. A cell that begins with an apostrophe would otherwise be taken for "
        "a formula by a spreadsheet. events.ocsf.jsonl: the same for a security team's tools (OCSF 1.9.0, User "
        "Management).",
        "These tables follow from the evidence: the check makes them again and compares.",
        ledger,
        samples,
        "evidence/ has the folders as they were sealed. Open report.html of a job first. Its recording opens, after "
        "unpacking this bundle, with: agent trace show evidence/TENANT/DAY/JOB. (trace.zip alone lacks the style "
        "sheets that many recordings share; they are in objects/.)",
        "WHAT IT DOES NOT SHOW",
        "Times are those of the agent's clock, unless an outside time stamp is in ledger/timestamps. Whoever held the "
        "signing key and could write to the disk could have written another history before a head was kept elsewhere. "
        "Nothing here says what people did in Procore without the agent.",
    ]
    return "\n\n".join(_wrapped(part) for part in parts if part) + "\n"


def _wrapped(text: str) -> str:
    return text if text.startswith("    ") else textwrap.fill(text, 96)
