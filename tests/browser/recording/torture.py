"""A page with everything that is hard to rebuild, served by a program that counts who asks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c63f8cfc0f01f0005000102a2a2a3bc0000000049454e44ae426082"
)

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Torture &amp; "odd" 日本</title>
<link rel="stylesheet" href="/linked.css"><link rel="preconnect" href="http://127.0.0.1:9/">
<link rel="alternate stylesheet" href="/other.css" title="other">
<style id="own">.loud { color: rgb(200, 0, 0) }</style>
<meta http-equiv="Content-Language" content="en">
<script>window.ran = (window.ran || 0) + 1</script></head>
<body onload="window.loaded = true" class="a &quot;b&quot;">
<h1 class="loud">Ünï "quotes" &lt;b&gt; &amp;amp; 日本 ‮abc‬</h1>
<x-card id="card"><span slot="title">slotted</span>unslotted</x-card>
<form id="f" action="/save" onsubmit="return false">
<label>Name <input id="name" name="name" value="as sent"></label>
<label>Empty <input id="empty" name="empty" value="not empty at first"></label>
<label>Plain <input id="plain" name="plain" value="x"></label>
<label>Notes <textarea id="notes" name="notes">
first line</textarea></label>
<label>One <select id="one" name="one"><option value="1" selected>First<option value="2">Second
<option value="3">Third</select></label>
<label>Many <select id="many" name="many" multiple><option selected>a<option>b<option selected>c</select></label>
<label><input type="checkbox" id="tick" name="tick" value="yes">Tick</label>
<label><input type="checkbox" id="untick" checked>Untick</label>
<label><input type="radio" name="r" id="r1" value="1" checked>R1</label>
<label><input type="radio" name="r" id="r2" value="2">R2</label>
<button id="go" type="submit" onclick="event.preventDefault()">Go</button>
<button id="off" disabled>Off</button></form>
<iframe src="/frame" name="outer" title="Outer frame"></iframe>
<iframe name="inline" title="Inline"
  srcdoc="<p id='said'>said &amp;quot;inline&amp;quot;</p><input id='in' value='q'>"></iframe>
<img id="pic" src="/picture.png" alt="A picture" width="12" height="12" srcset="/picture.png 1x, /big.png 2x">
<div id="painted" style="width: 20px; height: 20px; background-image: url(/picture.png)"></div>
<picture><source srcset="/picture.png"><img id="inpicture" alt="In a picture" width="5" height="5"></picture>
<dialog id="window"><p>In the window</p><button>Close it</button></dialog>
<div popover id="pop">Popped up</div>
<details open><summary>More</summary>of it</details>
<svg id="drawing" viewBox="0 0 10 10" width="30" height="30"><style>circle { fill: rgb(0, 0, 255) }</style>
<circle cx="5" cy="5" r="4"/><foreignObject width="5" height="5"><p xmlns="http://www.w3.org/1999/xhtml">in svg</p>
</foreignObject></svg>
<template id="t"><p>inert</p></template>
<a id="there" href="/there?a=1&amp;b=2" onclick="window.clicked = true">There</a>
<a id="script" href="javascript:window.clicked = true">Script</a>
<pre id="pre">

two line feeds first &lt;/style&gt;</pre>
<table id="table"><tbody><tr><th scope="row">Row</th><td>Cell</td></tr></tbody></table>
<p id="shouted" aria-hidden="false">Shouted</p><canvas id="canvas" width="4" height="4"></canvas>
<noscript><p id="noscript">No script</p><img src="/tracking.png"></noscript>
<script>
class Card extends HTMLElement { constructor() { super(); const root = this.attachShadow({ mode: "open" });
  root.innerHTML = '<style>b { color: rgb(0, 128, 0) }</style><b id="inside">in shadow <slot name="title"></slot></b>'
    + '<x-field></x-field><slot></slot>';
  const sheet = new CSSStyleSheet(); sheet.replaceSync("b { font-weight: 300 }"); root.adoptedStyleSheets = [sheet]; } }
class Field extends HTMLElement { constructor() { super();
  this.attachShadow({ mode: "open" }).innerHTML = '<label for="deep">Deep</label><input id="deep" value="z">'; } }
customElements.define("x-card", Card); customElements.define("x-field", Field);
document.getElementById("own").sheet.insertRule("h1 { font-size: 33px }");
document.getElementById("own").sheet.insertRule('#shouted::before { content: "</style><b>no</b>" }');
const whole = new CSSStyleSheet(); whole.replaceSync("body { background-color: rgb(1, 200, 3) }");
document.adoptedStyleSheets = [whole];
</script></body></html>"""

FILES = {
    "/": ("text/html; charset=utf-8", PAGE.encode()),
    "/frame": (
        "text/html",
        b"<title>f</title><p>In the frame</p><input id='fi'><iframe src='/inner' name='inner'></iframe>",
    ),
    "/inner": ("text/html", b"<link rel=stylesheet href=/inner.css><button id='deepest'>Inner</button>"),
    "/inner.css": ("text/css", b"button { letter-spacing: 4px }"),
    "/linked.css": (
        "text/css",
        b'@import url("/imported.css") screen; .loud { letter-spacing: 2px }\n#pic { opacity: 0.5 }',
    ),
    "/imported.css": ("text/css", b"h1 { text-indent: 3px } #painted { border: 1px solid rgb(9, 9, 9) }"),
    "/other.css": ("text/css", b"h1 { text-indent: 300px }"),
    "/picture.png": ("image/png", PICTURE),
}


class Served:
    """The address, and every path that was asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[str] = []


@contextmanager
def serving() -> Iterator[Served]:
    """The page on a free port of the loopback interface."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            kind, data = FILES.get(self.path.split("?")[0], ("text/plain", b"no such page"))
            self.send_response(200 if self.path.split("?")[0] in FILES else 404)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Served(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
