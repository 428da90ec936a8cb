"""(d) The floor: the requests of the bare script by plain HTTP, no browser at all."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

_TOKEN = re.compile(r'name="authenticity_token" value="([^"]+)"|name="csrf-token" content="([^"]+)"')


class RawHttp:
    """A client that keeps cookies per host and speaks to loopback whatever the host is called."""

    async def open(self, setup: dict[str, Any]) -> None:
        self.client = httpx.AsyncClient()
        self.port = urlsplit(setup["app"]).port
        self.cookies: dict[str, dict[str, str]] = {}
        self.app = setup["app"].rstrip("/")
        self.directory = f"{self.app}/{setup['company_id']}/company/directory"
        page = await self.ask("GET", setup["sign_in"])
        for field in ("email", "password"):
            action = re.search(r'<form[^>]*id="sign_in_form"[^>]*>', page.text)
            assert action
            target = re.search(r'action="([^"]+)"', action.group(0))
            assert target
            page = await self.post(target.group(1).replace("&amp;", "&"), page, {field: setup[field]})
        assert 'id="header-avatar"' in page.text, "the raw client is not signed in"

    async def ask(self, method: str, url: str, data: Any = None) -> httpx.Response:
        """One request and the redirects that follow it."""
        while True:
            parts = urlsplit(url)
            host = parts.hostname or ""
            target = f"http://127.0.0.1:{self.port}{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
            jar = self.cookies.setdefault(host, {})
            headers = {"Host": parts.netloc, "Cookie": "; ".join(f"{key}={value}" for key, value in jar.items())}
            self.client.cookies.clear()
            answer = await self.client.request(method, target, headers=headers, data=data)
            jar.update(answer.cookies)
            if answer.status_code not in (302, 303):
                answer.raise_for_status()
                return answer
            method, data, url = "GET", None, urljoin(url, answer.headers["location"])

    async def post(self, url: str, page: httpx.Response, data: dict[str, Any]) -> httpx.Response:
        """Post a form with the token of the page it stands on."""
        found = _TOKEN.search(page.text)
        assert found
        return await self.ask("POST", url, {"authenticity_token": found.group(1) or found.group(2), **data})

    async def list_page(self, listing: str, search: str, per_page: int = 150) -> httpx.Response:
        query = httpx.QueryParams(page=1, per_page=per_page, search=search, group_by="", sort="name")
        return await self.ask("GET", f"{self.directory}/groups/{listing}?{query}")

    async def run(self, person: dict[str, Any]) -> dict[str, Any]:
        await self.list_page("users", "", 5)
        for search in (person["email"], person["last_name"]):
            for listing in ("users", "inactive_users", "reference_users", "inactive_reference_users"):
                await self.list_page(listing, search)
        await self.list_page("companies", person["company"])
        popup = await self.ask("GET", f"{self.directory}/popup_add_person")
        page = await self.post(
            f"{self.directory}/users",
            popup,
            {
                "user[first_name]": person["first_name"],
                "user[last_name]": person["last_name"],
                "user[email_address]": person["email"],
                "user[job_title]": person["job_title"],
                "user[vendor_id]": person["company_id"],
                "user[default_permission_template_id]": person["default_template_id"],
                "user[company_permission_template_id]": person["company_template_id"],
                "user[is_employee]": "0",
            },
        )
        found = re.search(r'data-user-id="(\d+)"', page.text)
        assert found, "no user page after the creation"
        user = f"{self.directory}/users/{found.group(1)}"
        for project in person["projects"]:
            data = {"permission_template_id": project["template_id"]}
            page = await self.post(f"{user}/projects/{project['id']}/add", page, data)
        listed = await self.list_page("users", person["email"])
        await self.post(f"{user}/invite", listed, {})
        await self.ask("GET", f"{user}/edit")
        await self.ask("GET", f"{user}/change_history")
        return {}

    async def close(self) -> None:
        if hasattr(self, "client"):
            await self.client.aclose()
