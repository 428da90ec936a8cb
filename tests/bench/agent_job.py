"""(a) The agent's own provision job: full audit, both read-backs, evidence sealed."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from agent.commands.workplace import Workplace
from agent.credentials.secret import Secret
from agent.credentials.store import CredentialStore, ServiceAccount
from agent.execute.run import run_job
from agent.jobs.model import ANY_JOB, Job
from agent.settings import Settings, Tenant
from fixtures.running import ROOT

TENANT = "bench"


def provision(person: dict[str, Any]) -> dict[str, Any]:
    """The job that every variant carries out."""
    return {
        "action": "provision",
        "reason": {"ticket": "BENCH-1", "requested_by": "bench@example.com", "approved_by": "bench@example.com"},
        "idempotency_key": f"bench-{person['last_name']}",
        "person": {
            "email": person["email"],
            "attributes": {key: person[key] for key in ("first_name", "last_name", "job_title")},
        },
        "company": person["company"],
        "company_access": {"template": person["company_template"]},
        "default_project_template": person["default_template"],
        "projects": [{"project": item["number"], "template": item["template"]} for item in person["projects"]],
        "invitation": True,
    }


class AgentWorkplace:
    """A workplace for the sandbox, with everything in one folder."""

    async def open(self, setup: dict[str, Any]) -> None:
        folder = Path(setup["folder"])
        key = folder / "keyring.key"
        key.write_text("bench" * 8)
        key.chmod(0o400)
        os.environ["AGENT_KEYRING_FILE"] = str(folder / "keyring.sealed")
        os.environ["AGENT_KEYRING_KEY_FILE"] = str(key)
        os.environ["PYTHON_KEYRING_BACKEND"] = "agent.credentials.sealed_file.SealedFileKeyring"
        tenant = Tenant(sign_in_url=setup["sign_in"], app_url=setup["app"], company_id=setup["company_id"])
        settings = Settings.model_validate(
            {
                "paths": {"evidence": folder / "evidence", "state": folder / "state", "selectors": None},
                "tenants": {TENANT: tenant},
            }
        )
        self.stack = AsyncExitStack()
        CredentialStore().set(TENANT, ServiceAccount(setup["email"], Secret(setup["password"])))
        self.place = await self.stack.enter_async_context(Workplace(settings, (TENANT,)))
        self.seat = self.place.seat(TENANT)
        await self.job({"action": "read", "person": {"email": setup["email"]}})  # signs in, reads the tenant's names

    async def job(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Run one job; raises when it does not end as done."""
        reason = {"ticket": "BENCH-1", "requested_by": "bench@example.com", "approved_by": "bench@example.com"}
        job: Job = ANY_JOB.validate_python({"reason": reason, "idempotency_key": "bench", **fields}, strict=False)
        recorder = self.place.recorder(self.seat)
        orders = self.place.orders(self.seat.tenant, recorder, dry_run=False, approved=True)
        outcome = await run_job(job, self.seat.session, self.seat.relay, [recorder], orders)
        if outcome.verdict != "done":
            raise RuntimeError(f"{outcome.verdict}: {outcome.summary}")
        assert recorder.folder
        evidence = sum(file.stat().st_size for file in recorder.folder.rglob("*") if file.is_file())
        return {"bytes": evidence, "folder": str(recorder.folder.relative_to(ROOT))}

    async def close(self) -> None:
        if hasattr(self, "stack"):
            await self.stack.aclose()


class AgentJob(AgentWorkplace):
    """One provision job a person."""

    async def run(self, person: dict[str, Any]) -> dict[str, Any]:
        return await self.job(provision(person))
