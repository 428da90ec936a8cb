"""What a person does now about each kind of error; TENANT stands for the tenant's name."""

from __future__ import annotations

from agent.errors import AgentError, Mender

_ELSE_REPORT = "send the evidence folder to the developers; do this job by hand meanwhile."
_REPORT = f"S{_ELSE_REPORT[1:]}"
_RIGHTS = (
    "A Company Admin gives the service account Admin on the company's Directory tool, and a look at its pages "
    "(Users, Inactive Users, Change History, and the company's home page, the portfolio)."
)
_LATER = "Open Procore in a browser; when it answers there, run the job again."
_CREDENTIALS = "agent credentials set TENANT"
_MISTAKE = "Please report this with the evidence folder."
_REST = "does what is left"
_LOOK = f"Open the person in Procore and compare with the summary above. Then run the job again: it {_REST}."

BY_MENDER = {
    Mender.REQUESTER: "Correct the job and run it again.",
    Mender.OPERATOR: "Correct what is named above, then run the job again.",
    Mender.ADMINISTRATOR: "A Procore Company Admin has to look at this person in Procore.",
    Mender.DEVELOPER: f"Procore's page is not as the agent knows it. {_REPORT}",
}

BY_CODE = {
    # refused
    "last-admin": "If there is another Company Admin, name that address in protected_people of "
    "[tenants.TENANT.policy]: the agent looks at it and lifts this refusal. Else make somebody a Company Admin first.",
    "inactive-company": "An administrator reactivates the company in Procore first, or the job names an active one "
    "in `company`.",
    "flow-quarantined": "Do what is left by hand; or look at what was found (agent flows TENANT), release the flow, "
    f"and run the job again: it {_REST}.",
    "ambiguous-group": "An administrator gives one of the groups another name in Procore, then the job is run again.",
    "email-locked": "The person changes the login address in Procore themselves (My Profile), or the IT department of "
    "the other company does; then this job finds nothing to do.",
    "inactive-person": "Send a reactivate job first; it says which access the person gets.",
    "no-such-person": "Check the address; to create the person, send a provision job.",
    "own-account": "An administrator changes the agent's account by hand.",
    "protected-person": "Ask whoever keeps protected_people in [tenants.TENANT.policy] of the settings.",
    "forbidden-template": "Name another template, or ask whoever keeps forbidden_templates of [tenants.TENANT.policy].",
    "unresolved-names": "Correct the names that are listed above; what is new in Procore has to be made there first.",
    "invitation-unknown": "Look at the person's row in Procore's Directory and send the invitation there, or set "
    "resend to true.",
    "end-passed": "Correct ends_at to a time that is still to come, and send the job under a new key.",
    "self-approved": "Let somebody else than the requester approve it, name them in reason.approved_by, and send it "
    "again.",
    "plan-grew": "Somebody changed the person meanwhile: look at what is left, then run the job again; it asks for the "
    "approval.",
    # the machine
    "no-browser": "Install a browser with the command named above, or set AGENT_BROWSER to the path of a Chromium.",
    "browser-broken": "Start the browser by hand to see what it lacks, or set AGENT_BROWSER to another Chromium.",
    "browser-lost": "Run the job again; if the browser dies again, give the machine more memory (1 GiB free).",
    "browser-hung": "Run the job again; if the browser hangs again, give the machine more memory (1 GiB free).",
    "browser-error": "Run the job again; if it stays, send the evidence folder to the developers.",
    "keyring-refused": "Set PYTHON_KEYRING_BACKEND, AGENT_KEYRING_FILE and AGENT_KEYRING_KEY_FILE as in "
    "docs/how-to/credentials.md.",
    "keyring-locked": "Unlock the desktop's keyring, then run the job again.",
    "keyring-broken": "Correct AGENT_KEYRING_FILE; a damaged file is moved away and the account stored again: "
    f"{_CREDENTIALS}.",
    "credentials-missing": f"Store them: {_CREDENTIALS}.",
    "credentials-damaged": f"Store them again: {_CREDENTIALS}.",
    "clock-went-back": "Set this machine's clock (NTP), then run the job again.",
    "totp-memory-damaged": "Delete the file that is named above, wait half a minute and run the job again.",
    "state-unwritable": "Let the agent write into paths.state and make room on its disk, then run the job again.",
    "evidence-no-room": "Make room on the disk of paths.evidence, or change max_gib, keep_free_mib or the days of "
    "retention in [evidence]; agent evidence prune --dry-run shows what could go.",
    "object-missing": "Put the tenant's objects folder back from a backup; agent evidence verify says what is missing.",
    "object-damaged": "Put the tenant's objects folder back from a backup; agent evidence verify says what is damaged.",
    "people-unmaskable": "Correct the hooks that are named above in the selector catalogue, or set evidence.people to "
    '"all".',
    "person-busy": "Wait until the other job has ended, then run the job again.",
    "evidence-unwritable": "Make room on the disk, or correct paths.evidence, then run the job again.",
    "ledger-unwritable": "Make room on the disk, or let the agent's user write into paths.evidence, then run the job "
    "again.",
    "ledger-broken": "See what is wrong with agent evidence verify, then put the tenant's ledger folder back from a "
    "backup; where there is none, move it away (and its kept head): a new ledger begins, under a new key.",
    "evidence-changed": "Somebody changed the folder after it was sealed: put it back from a backup, and look who can "
    "write there.",
    "signing-key-damaged": "Put the keyring's entry back from a backup, or remove it: a new key is made and announced.",
    "signing-off": "Set audit.sign to true in the settings.",
    "tsa-unreachable": "Check audit.tsa_url and this machine's way there: DNS, proxy, firewall.",
    "tsa-roots-unusable": "Correct audit.tsa_roots: a PEM file with the authority's root certificates.",
    "time-stamp-rejected": "Compare audit.tsa_roots with the authority that audit.tsa_url names.",
    "evidence-broken": _MISTAKE,
    "evidence-holds-secret": "Please report this; keep the evidence folder to yourself until it has been looked at.",
    "evidence-withheld": "Please report this; keep the evidence folder to yourself until it has been looked at.",
    "catalogue-missing": "Correct paths.selectors in the settings, or leave it out for the catalogue that is shipped.",
    "catalogue-invalid": "Correct the file that paths.selectors names, or leave it out for the one that is shipped.",
    "pack-unsigned": "Put pack.sig beside the pack (agent selectors sign FOLDER), or take selectors.public_key out of "
    "the settings.",
    "pack-signature-wrong": "Compare selectors.public_key with the key of whoever signs your packs (agent selectors "
    "verify).",
    "pack-changed": "Put the signed pack back, or have the changed one looked at, then agent selectors sign FOLDER.",
    "recording-not-clean": "Please report the kinds and places that it names; nothing was written.",
    "recording-exists": "Choose another name with --out.",
    "recording-unwritable": "Choose another folder with --out.",
    "recording-unreadable": "Look at it with the version of the agent that made it.",
    "nothing-recorded": "Look at the reasons that are listed: pages the account may not see, or that are not as known.",
    "not-walkable": "Nothing to do: the readings and the uses of controls were compared all the same.",
    "probe-person": "Correct [tenants.NAME.probe], or leave it out: then the agent's own account is looked at.",
    "probe-too-long": "Look whether Procore is slow, then run agent probe again.",
    "probe-write": "Report it to the developers with the findings: nothing was sent, since the network held it back.",
    "place-not-there": "Nothing to do: the other places are recorded all the same.",
    "resend-on-record": "Wait until the other run has ended, then run the job again: it says what was sent.",
    "interrupted": "Run the same job again when nothing stops it.",
    "unexpected": _MISTAKE,
    "dry-run-write": _MISTAKE,
    "resend-unrecorded": _MISTAKE,
    "no-job": _MISTAKE,
    "no-facts": _MISTAKE,
    "no-folder": _MISTAKE,
    "nothing-to-send": _MISTAKE,
    "bad-user-id": _MISTAKE,
    "bad-project-id": _MISTAKE,
    "bad-group-id": _MISTAKE,
    # the sign-in
    "password-rejected": f"Check the account's password in Procore, then: {_CREDENTIALS}. "
    "Do not run further jobs before: Procore may lock the account at the third rejected password.",
    "code-rejected": f"Check this machine's clock and the authenticator secret, then: {_CREDENTIALS}.",
    "code-missing": f"Store the account's authenticator secret: {_CREDENTIALS}.",
    "account-locked": "A Company Admin opens the service account in Procore's Directory and clicks Unlock Account.",
    "mfa-enrolment": "Sign in once by hand as the service account, set up an authenticator app, and store its secret: "
    f"{_CREDENTIALS}.",
    "sso-account": "Give the agent an account of its own whose address is in a domain that is not set up for single "
    f"sign-on in Procore (Admin > Single Sign-On), and store it: {_CREDENTIALS}.",
    "company-not-offered": "Compare company_id in [tenants.TENANT] with the number in Procore's addresses; if it is "
    "right, a Company Admin adds the service account to that company.",
    "other-company": "Compare company_id and app_url in [tenants.TENANT] with the addresses of the company in Procore.",
    "other-account": f"The stored session is somebody else's: agent credentials remove TENANT, then {_CREDENTIALS}.",
    "unexpected-host": "Compare sign_in_url and app_url in [tenants.TENANT] with the addresses in your own browser.",
    "sign-in-interrupted": _LATER,
    "tenant-unreachable": "Check sign_in_url in [tenants.TENANT], then this machine's way to it: DNS, proxy, firewall.",
    # the pages
    "signed-out": "Make sure that nobody else signs in with the service account, then run the job again.",
    "already-so": "Run the same job again: it looks first, and finds nothing left to do.",
    "stale-token": "Run the same job again.",
    "denied": _RIGHTS,
    "missing-right": _RIGHTS,
    "save-rejected": "Correct the job by Procore's message above and run it again.",
    "field-read-only": _RIGHTS,
    "field-not-shown": _RIGHTS,
    "choice-not-offered": "Check the name in Procore; if it is right there, the service account may not give it: "
    "a Company Admin gives the right.",
    "project-not-offered": "Check that the project is active; if so, a Company Admin adds the service account to it.",
    "choice-ambiguous": "An administrator renames one of the two in Procore.",
    "unknown-language": "Set the service account's language to English in its profile in Procore.",
    "unknown-page": f"Procore's page is not as the agent knows it: what is missing stands above. {_REPORT}",
    "unknown-dialog": "Sign in to Procore as the service account, read the window that is open there and close it; "
    f"then run the job again. If it comes back, {_ELSE_REPORT}",
    "unknown-field": f"Ask a Company Admin about the field that is named above: the agent does not know it. {_REPORT}",
    "unknown-generation": f"Procore's page is of no generation that the agent knows. {_REPORT}",
    "not-sent": f"Try the same change by hand as the service account; if Procore takes it there, {_ELSE_REPORT}",
    "document-replaced": f"Run the same job again; if it stops there once more, {_ELSE_REPORT}",
    "unusable-control": "Sign in to Procore as the service account and look what covers the button; close it for good, "
    f"then run the job again. If nothing does, {_ELSE_REPORT}",
    "stubborn-overlay": "Sign in to Procore as the service account and close the announcement, guide or cookie notice "
    f"there, then run the job again. If it stays, {_ELSE_REPORT}",
    "control-mismatch": f"Set the same field by hand as the service account; if Procore keeps it there, {_ELSE_REPORT}",
    "foreign-list": f"Look at the list in Procore as the service account: whose people does it show? {_REPORT}",
    "write-before-gate": "Nothing was sent. Look at the page in Procore: a button there that asked first acts at once "
    f"now, and what it was about to send stands above. {_REPORT}",
    "window-without-effect": "Nothing was sent. Open the same window in Procore and read what it asks: its buttons may "
    f"have changed places. {_REPORT}",
    "no-reaction": f"Run the same job again; if it stops there once more, {_ELSE_REPORT}",
    "person-mismatch": f"Look in Procore whom the address that is named above belongs to. {_REPORT}",
    "shape-changed": "Look at the page in Procore and at the findings in the evidence before it is written from again: "
    f"agent flows show TENANT FLOW. {_REPORT}",
    "shape-not-known": "Use a pack of selectors that was made for this release, or leave paths.selectors out.",
    "template-mismatch": "Compare the template that is named above with the Permissions tool; where it was renamed "
    f"just now, run the job again. {_REPORT}",
    "project-mismatch": f"Look in Procore which project the address that is named above belongs to. {_REPORT}",
    "group-mismatch": "Look in Procore whether somebody has given the distribution group another name; if not, "
    f"{_ELSE_REPORT}",
    "already-member": "Run the same job again: it looks first. For another template, change it instead of adding.",
    "not-on-one-page": "Send a job for fewer people, or remove them in the project's list page by page.",
    "no-server-time": "Look whether a proxy between this machine and Procore takes the Date header away; else "
    f"{_ELSE_REPORT}",
    "row-not-found": "Look for the person in Procore's Directory; if the person is there, run the job again.",
    "not-found": "Look for the person in Procore's Directory; if the person is there, run the job again.",
    "pager-mismatch": "Somebody changes the list right now: run the job again in a while.",
    "search-inconclusive": "Give the people with such addresses clearer ones; the search finds too many.",
    "page-timeout": _LATER,
    "page-unreachable": "Check this machine's way to app_url of [tenants.TENANT]: DNS, proxy, firewall.",
    "service-error": _LATER,
    # the queue
    "given-back": "Nothing: the job goes on by itself when the agent runs again.",
    "cancel-asked": "Nothing; `agent jobs show` says what was done and what was not.",
    "trail-unreadable": "Please report this; look at the person in Procore, then send the wish as a new job.",
    "claim-lost": "Nothing: another worker goes on with the job.",
    "stored-job-unreadable": "Submit the job again: this release cannot read it as it was stored.",
    "poison-job": "Please report this with the evidence folder; `agent jobs retry` tries it again.",
    "expired": "Submit the job again, if it is still wanted.",
    # uncertain
    "answer-lost": _LOOK,
    "not-visible": _LOOK,
    "not-confirmed": _LOOK,
    "changed-meanwhile": "Look at the person's Change History for who changed what, then run the job again.",
    "projects-failed": f"Look at the projects that are named in Procore, then run the job again: it {_REST}.",
    "projects-pending": f"Wait some minutes, then run the job again: it {_REST}.",
}

#: What the sealed keyring says (agent/credentials/sealed_file.py), and what to do about exactly that.
LOCKED = (
    (
        "cannot be opened with the master key",
        "Let AGENT_KEYRING_KEY_FILE name the master key that the file was sealed with. If that key is lost, move the "
        f"sealed file away and store the account again: {_CREDENTIALS}.",
    ),
    (
        "cannot read the master key file",
        "Put the master key back to that path, or let AGENT_KEYRING_KEY_FILE name where it is. For a first one: "
        "docs/how-to/credentials.md.",
    ),
    ("must be a regular file of mode", "Close the master key to other users with the chmod command above."),
    ("it must be yours or root's", "Put the master key where docs/how-to/credentials.md says."),
    ("is shorter than", "Make a longer master key with the command above."),
    ("does not name a master key file", "Set AGENT_KEYRING_KEY_FILE to the path of the master key file."),
)


def remedy(error: AgentError) -> str:
    """The next thing to do about this error."""
    if error.code == "keyring-locked":
        for words, step in LOCKED:
            if words in error.seen:
                return step
    if error.code == "stopped-midway":
        return _stopped(error)
    return BY_CODE.get(error.code) or BY_MENDER[error.mender]


def _stopped(error: AgentError) -> str:
    """What to do about the cause, whose code ``seen`` begins with; the rest of the job is done by running it again."""
    cause = BY_CODE.get(error.seen.partition(":")[0]) or BY_MENDER[error.mender]
    return cause if _REST in cause else f"{cause} Run again, the same job does only what is left."
