"""Which trouble is whose: the tenant's, the machine's, a passing one, or one that a person has to deal with by hand.

The codes are those of ``docs/reference/errors.md``. What stands in none of these sets is the job's own: it is dead.
"""

from __future__ import annotations

#: The sign-in: another try could lock the account, so nothing is tried before a person has looked and resumed.
SIGN_IN = frozenset(
    {
        "password-rejected",
        "code-rejected",
        "code-missing",
        "account-locked",
        "mfa-enrolment",
        "other-account",
        "other-company",
        "company-not-offered",
        "sso-account",
        "unexpected-host",
        "credentials-missing",
        "credentials-damaged",
        "keyring-refused",
        "keyring-locked",
        "keyring-broken",
    }
)

#: The pages are not as the flows know them: every job of the tenant would stop there.
UNKNOWN_UI = frozenset(
    {
        "unknown-page",
        "unknown-dialog",
        "unknown-field",
        "unknown-generation",
        "unknown-language",
        "foreign-list",
        "no-server-time",
    }
)

#: This machine: jobs of every tenant would fail in the same way, and it may mend itself (a disk is emptied).
MACHINE = frozenset(
    {
        "no-browser",
        "browser-broken",
        "state-unwritable",
        "evidence-unwritable",
        "people-unmaskable",
        "ledger-unwritable",
        "queue-unwritable",
        "catalogue-missing",
        "catalogue-invalid",
        "pack-unsigned",
        "pack-signature-wrong",
        "pack-changed",
        "shape-not-known",
        "clock-went-back",
        "totp-memory-damaged",
    }
)

#: The tenant's ledger is not as the agent left it: nothing is entered, so nothing is done, before a person has looked.
LEDGER = frozenset({"ledger-broken"})

#: The tenant does not answer; the first time it may be a moment's weakness, the second time it is an outage.
OUTAGE = frozenset({"page-unreachable", "tenant-unreachable", "sign-in-interrupted", "service-error"})

#: Worth another try later.
PASSING = OUTAGE | frozenset(
    {
        "browser-lost",
        "browser-hung",
        "browser-error",
        "page-timeout",
        "signed-out",
        "stale-token",
        "pager-mismatch",
        "row-not-found",
        "not-found",
        "not-sent",
        "document-replaced",
        "already-so",
        "already-member",
        "interrupted",
        "unexpected",
        "resend-on-record",
        "queue-unreachable",
        "person-busy",
    }
)

#: The agent cannot do this, a person can: it becomes a task with instructions.
BY_HAND = frozenset(
    {
        "denied",
        "missing-right",
        "field-read-only",
        "field-not-shown",
        "choice-not-offered",
        "project-not-offered",
        "not-on-one-page",
        "choice-ambiguous",
        "email-locked",
        "invitation-unknown",
        "search-inconclusive",
        "unusable-control",
        "no-reaction",
        "control-mismatch",
        "stubborn-overlay",
        "person-mismatch",
    }
)

TENANT_PAUSED_FOR = SIGN_IN | UNKNOWN_UI | MACHINE | LEDGER
