"""A write that a script of the page sends: once, and judged by its request before anything the page says."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from playwright.async_api import Page, Route

from agent.errors import AnswerLost, Failed, SaveRejected, SignedOut, UnknownPage
from flows import Catalogue, TenantAddress
from flows.page.commit_by_script import commit_by_script
from flows.page.shell import Layer
from flows.page.tab import Tab
from tests.browser.flows.conftest import IMPATIENT, SHELL, SMALL_ACCOUNT, RecordingGate

WINDOW = (Layer("panel.place", "Add User"),)
TOAST = "const t = document.createElement('div'); t.dataset.qa = 'toast-%s'; t.textContent = '%s'; box.append(t);"
SAID_SAVED, SAID_NOT = TOAST % ("success", "Saved"), TOAST % ("error", "Nothing was saved")
BODY = """<div class="Toastify"></div><form id="f"><input name="a"><button type="button" id="save">Save</button></form>
<script>
  const box = document.querySelector(".Toastify"), save = document.getElementById("save");
  const send = (path = "/save") => fetch(path, { method: "POST", body: "a=1" });
  save.addEventListener("click", async () => { %s });
</script>"""
SEND_AND_SAY = f"const r = await send().catch(() => null); if (r && r.ok) {{ {SAID_SAVED} }} else {{ {SAID_NOT} }}"


class Site:
    """One page whose button sends something, and what the server makes of it."""

    def __init__(self, page: Page, gate: RecordingGate) -> None:
        tenant = TenantAddress("https://login.example.test", "https://app.example.test", "1")
        self.tab = Tab(page, tenant, Catalogue.load(), replace(IMPATIENT, answer=1.5))
        self.gate = gate
        self.posted: list[str] = []
        self.status = 200
        self.body = "{}"
        self.kind = "application/json"
        self.fails = False
        self.delay = 0.0
        self.page = ""
        self.then = ""

    async def answer(self, route: Route) -> None:
        """Answer without a network."""
        request = route.request
        if request.method == "GET":
            html = self.then if self.posted and self.then else self.page
            await route.fulfill(body=html, content_type="text/html; charset=utf-8")
            return
        self.posted.append(request.url)
        await asyncio.sleep(self.delay)
        if self.fails:
            await route.abort("connectionreset")
        else:
            await route.fulfill(status=self.status, body=self.body, content_type=self.kind)

    async def open(self, script: str, more: str = "") -> None:
        """Show the page whose button does this."""
        self.page = SHELL % (BODY % script + more)
        await self.tab.prepare()
        await self.tab.open("/page")
        await self.tab.shell()

    async def save(self, layers: tuple[Layer, ...] = ()) -> None:
        """Press the button as a write."""
        await commit_by_script(self.tab, self.gate, "#save", "a test", account=SMALL_ACCOUNT, layers=layers)


@pytest.fixture
async def site(page: Page, gate: RecordingGate) -> Site:
    """A site that exists in this test only."""
    made = Site(page, gate)
    await page.route("**/*", made.answer)
    return made


async def test_an_accepted_request_and_a_word_of_the_page_are_an_answer(site: Site) -> None:
    """One click, one request, the gate asked once before and told once after."""
    await site.open(SEND_AND_SAY)

    await site.save()

    assert len(site.posted) == len(site.gate.asked) == len(site.gate.told) == 1


async def test_a_toast_of_success_does_not_outweigh_a_lost_request(site: Site) -> None:
    """Hazard 10: the page says "saved" and the connection was closed. Nobody knows."""
    await site.open(f"send().catch(() => 0); {SAID_SAVED}")
    site.fails = True

    with pytest.raises(AnswerLost):
        await site.save()

    assert site.gate.told == []


async def test_a_toast_of_failure_after_a_lost_request_knows_nothing(site: Site) -> None:
    """ "Nothing was saved" is what the page believes; the request may have arrived."""
    await site.open(SEND_AND_SAY)
    site.fails = True

    with pytest.raises(AnswerLost):
        await site.save()

    assert len(site.posted) == 1


@pytest.mark.parametrize("status", [500, 503])
async def test_a_server_error_is_a_lost_answer(site: Site, status: int) -> None:
    """Whatever the page says about it."""
    await site.open(SEND_AND_SAY)
    site.status = status

    with pytest.raises(AnswerLost, match="it is not known"):
        await site.save()


async def test_an_answer_that_does_not_come_is_lost(site: Site) -> None:
    """The time that the tenant is given, and not longer."""
    await site.open(SEND_AND_SAY)
    site.delay = 3

    with pytest.raises(AnswerLost) as failure:
        await site.save()

    assert "1.5 s" in failure.value.seen


async def test_two_requests_are_not_one_write(site: Site) -> None:
    """A page that sends twice does something that no flow knows."""
    await site.open(f"await Promise.all([send(), send('/other')]); {SAID_SAVED}")

    with pytest.raises(AnswerLost) as failure:
        await site.save()

    assert "2 requests" in failure.value.seen


async def test_requests_to_other_hosts_and_readings_do_not_count(site: Site) -> None:
    """Pages report on themselves elsewhere, and load what they show."""
    more = (
        "fetch('https://metrics.example.test/x', { method: 'POST', mode: 'no-cors' }).catch(() => 0); fetch('/data');"
    )
    await site.open(more + SEND_AND_SAY)

    await site.save()


async def test_a_write_that_goes_to_another_host_alone_is_not_taken_for_silence(site: Site) -> None:
    """Pages that save to a host of their own: nobody can say that nothing was sent."""
    await site.open("fetch('https://api.example.test/users', { method: 'POST', mode: 'no-cors' }).catch(() => 0);")

    with pytest.raises(AnswerLost) as failure:
        await site.save()

    assert "api.example.test" in failure.value.seen


async def test_a_page_that_says_nothing_leaves_it_open(site: Site) -> None:
    """Accepted, as the status says, and no toast, no closed window: to be looked for."""
    await site.open("await send();")

    with pytest.raises(AnswerLost) as failure:
        await site.save()

    assert "does not say" in failure.value.seen


async def test_a_toast_of_failure_after_an_accepted_request_leaves_it_open(site: Site) -> None:
    """It may be about the list that could not be loaded anew: the change is to be looked for."""
    await site.open(f"await send(); {SAID_NOT}")

    with pytest.raises(AnswerLost):
        await site.save()


async def test_a_window_that_closes_is_a_word_of_the_page(site: Site) -> None:
    """A toast may be missed; the panel closes only when its form was accepted."""
    window = '<div role="dialog"><h2>Add User</h2></div>'
    await site.open("await send(); document.querySelector('[role=dialog]').remove();", window)

    await site.save(WINDOW)


async def test_a_window_that_closes_over_a_lost_request_is_no_answer(site: Site) -> None:
    """The network is asked first."""
    window = '<div role="dialog"><h2>Add User</h2></div>'
    await site.open("send().catch(() => 0); document.querySelector('[role=dialog]').remove();", window)
    site.fails = True

    with pytest.raises(AnswerLost):
        await site.save(WINDOW)


FIELD = "i.setAttribute('aria-invalid', 'true'); i.setAttribute('aria-describedby', 'why');"
ALERT = """<form><div class="form-banner" role="alert" id="alert" hidden></div><label for="i">City</label>
<input id="i" name="city"><p id="why">is too long</p></form>"""


@pytest.mark.parametrize(
    ("reaction", "seen"),
    [
        (f"{FIELD} alert.hidden = false; alert.textContent = 'Please fix the errors below';", "City: is too long"),
        ("alert.hidden = false; alert.textContent = 'Locked';", "Locked"),
        (SAID_NOT, "Nothing was saved"),
    ],
)
async def test_what_the_page_refuses_is_told_in_its_words(site: Site, reaction: str, seen: str) -> None:
    """Field errors before the form's alert, and an error toast where there is nothing else."""
    names = "const i = document.getElementById('i'), alert = document.getElementById('alert');"
    await site.open(f"{names} await send(); {reaction}", ALERT)
    site.status = 422

    with pytest.raises(SaveRejected) as failure:
        await site.save()

    assert failure.value.seen == seen
    assert len(site.gate.told) == 1


SIGN_IN = '<!doctype html><form id="sign_in_form"><input type="email"></form>'
FLASH = '<div id="alert_wrapper"><div class="alert alert-%s"><div class="alert_text">%s</div></div></div>'


@pytest.mark.parametrize(
    ("then", "code"),
    [
        (SIGN_IN, "signed-out"),
        (SHELL % (FLASH % ("notice", "You don't have access to that part of the site")), "denied"),
        (SHELL % (FLASH % ("error", "Your session has changed")), "stale-token"),
    ],
)
async def test_a_page_that_loads_itself_anew_says_why(site: Site, then: str, code: str) -> None:
    """Session over, no right, stale token: nothing was saved."""
    await site.open("await send(); location.reload();")
    site.status, site.then = 403, then

    with pytest.raises(Failed) as failure:
        await site.save()

    assert failure.value.code == code
    assert not isinstance(failure.value, AnswerLost)


async def test_a_reload_after_an_accepted_request_is_no_refusal(site: Site) -> None:
    """Accepted by its status, and then the sign-in form: it may well have been saved."""
    await site.open("await send(); location.reload();")
    site.then = SIGN_IN

    with pytest.raises(AnswerLost):
        await site.save()


async def test_the_sign_in_form_in_place_of_data_is_understood(site: Site) -> None:
    """Status 200 and a page where data should be [C]: the body is looked at, since the page makes nothing of it."""
    await site.open("await send();")
    site.body, site.kind = SIGN_IN, "text/html"

    with pytest.raises(SignedOut):
        await site.save()


async def test_a_flash_from_before_the_click_says_nothing_about_it(site: Site) -> None:
    """It came with the page, not with the answer."""
    await site.open(SEND_AND_SAY, FLASH % ("error", "Your session has changed"))

    await site.save()


async def test_a_toast_from_before_the_click_says_nothing_about_it(site: Site) -> None:
    """Only what comes after the click is about the click."""
    await site.open("await send();")
    await site.tab.page.evaluate(f"() => {{ const box = document.querySelector('.Toastify'); {SAID_SAVED} }}")

    with pytest.raises(AnswerLost):
        await site.save()


async def test_a_click_that_sends_nothing_is_no_write(site: Site) -> None:
    """And the page is left, so that nothing follows."""
    await site.open("0;")

    with pytest.raises(Failed) as failure:
        await site.save()

    assert failure.value.code == "not-sent"
    assert site.tab.page.url == "about:blank"
    assert site.posted == []


async def test_a_layer_that_catches_the_click_does_not_cost_a_second_write(site: Site) -> None:
    """It is closed first, and only then the click is tried again: the page's own event is the witness."""
    layer = (
        '<div id="announcement-overlay" style="position:fixed;inset:0;display:none"><button>Got it</button></div>'
        "<script>const layer = document.getElementById('announcement-overlay');"
        "layer.querySelector('button').onclick = () => layer.remove();"
        "save.addEventListener('pointerover', () => { layer.style.display = 'block'; }, { once: true });</script>"
    )
    await site.open(SEND_AND_SAY, layer)

    await site.save()

    assert len(site.posted) == 1


async def test_a_button_that_stays_covered_is_not_pressed(site: Site) -> None:
    """Nothing is sent, and no event is made up."""
    cover = '<div style="position:fixed;inset:0;z-index:9"></div>'
    await site.open(SEND_AND_SAY, cover)

    with pytest.raises(UnknownPage) as failure:
        await site.save()

    assert failure.value.code == "unusable-control"
    assert site.posted == []


async def test_a_gate_that_refuses_leaves_the_button_alone(site: Site) -> None:
    """A dry run, a lost lease."""
    await site.open(SEND_AND_SAY)
    site.gate.refuse_with = Failed("stop", "stopped by the test")

    with pytest.raises(Failed, match="stopped by the test"):
        await site.save()

    assert site.posted == []
