"""A few pages that hold everything a recording must not keep: sign-in, session cookie, tokens, a person's form."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

PASSWORD = 'Qu1et&"Harbor"%+42/ä'
CODE = "493817"
COOKIE = "c0ffee1234567890deadbeefcafe"
FORM_TOKEN = "hidden-form-token-7f3a"
META_TOKEN = "meta-page-token-91bc"
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

STYLE = """
body { margin: 0; font: 15px/1.5 Arial, 'Liberation Sans', sans-serif; color: #20262e; background: #f2f4f6 }
.bar { background: #1f2a36; color: #fff; padding: 12px 24px } .bar small { color: #b9c4d0; margin-left: 16px }
.page { margin: 24px auto; width: 1080px; background: #fff; border: 1px solid #d4dae0; padding: 20px 28px 28px }
label { display: block; margin: 12px 0 3px; font-weight: bold; font-size: 13px }
input, select { width: 420px; padding: 7px 9px; border: 1px solid #9aa6b2; border-radius: 3px; font: inherit }
table { border-collapse: collapse; width: 100% }
td, th { border-bottom: 1px solid #d4dae0; padding: 8px 6px; text-align: left }
button { margin-top: 18px; padding: 8px 18px; border: 0; border-radius: 3px; background: #1f5fae; color: #fff }
.flash { background: #e3f3e8; border: 1px solid #8cc3a0; padding: 9px 14px; margin-bottom: 14px }
"""


def page(title: str, body: str) -> str:
    """A page with the shell of the stand-in."""
    return (
        f'<!doctype html><html lang="en"><head><title>{title}</title>'
        f'<meta name="csrf-param" content="authenticity_token"><meta name="csrf-token" content="{META_TOKEN}">'
        f'<link rel="icon" href="data:,"><style>{STYLE}</style></head><body>'
        '<div class="bar">Company Directory <small>stand-in for tests, not Procore</small></div>'
        f'<div class="page">{body}</div></body></html>'
    )


SIGN_IN = page(
    "Sign in",
    f"""<h1>Sign in</h1><form method="post" action="/session?ticket=ticket-in-the-address-55">
    <input type="hidden" name="authenticity_token" value="{FORM_TOKEN}">
    <label for="email">Email</label><input id="email" type="email" name="email">
    <label for="password">Password</label><input id="password" type="password" name="password">
    <label for="code">Code</label><input id="code" type="text" name="code" autocomplete="one-time-code">
    <br><button>Log In</button></form>""",
)


def person_page(title: str = "", flash: str = "") -> str:
    """The Edit page of one person."""
    rows = "".join(
        f"<tr><td>24-0{number} - {name}</td><td>{template}</td></tr>"
        for number, name, template in (
            (17, "Harbour Street Car Park", "Project Engineer - Internal"),
            (23, "North Quay Pump House", "Foreman / Superintendent - Internal"),
        )
    )
    note = f'<div class="flash" role="status">{flash}</div>' if flash else ""
    return page(
        "Edit user",
        f"""{note}<h1>Mara Lindqvist</h1><form method="post" action="/save">
        <input type="hidden" name="authenticity_token" value="{FORM_TOKEN}">
        <label for="title">Job Title</label><input id="title" type="text" name="user[job_title]" value="{title}">
        <label for="state">State</label><input id="state" type="text" name="user[state_code]" value="NH">
        <label for="template">Company Permissions Template</label>
        <select id="template" name="user[company_permission_template_id]">
        <option value="none">Do Not Apply a Permission Template
        <option value="7">Office Staff</select><br><button>Save</button></form>
        <h2>Current Project Settings</h2><table><tr><th>Project</th><th>Template</th></tr>{rows}</table>""",
    )


class _Pages(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(SIGN_IN if self.path.startswith("/sign_in") else person_page())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[-1] for name, values in parse_qs(body).items()}
        if self.path.startswith("/session"):
            self._answer(person_page())
        elif self.path.startswith("/api"):
            self._answer('{"csrf_token": "' + META_TOKEN + '", "name": "Mara"}', "application/json")
        else:
            self._answer(person_page(form.get("user[job_title]", ""), "User was successfully updated"))

    def _answer(self, text: str, kind: str = "text/html; charset=utf-8") -> None:
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Set-Cookie", f"_session={COOKIE}; Path=/; HttpOnly")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


@contextmanager
def serving() -> Iterator[str]:
    """The pages on a free port of loopback; yields their address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
