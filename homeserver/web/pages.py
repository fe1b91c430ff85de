"""The page at `/`: a person who opens the server's address in a browser learns that it works and what to do with it."""

from base64 import b64encode
from hashlib import sha256
from html import escape

from homeserver.web.endpoint import Access, Answer, Body, Rate, Reply, endpoint
from homeserver.web.request import Request

_STYLE = (
    "body{font:1.1rem/1.6 system-ui,sans-serif;max-width:38rem;margin:12vh auto;padding:0 1.5rem;color:#222;background:#fff}"
    "code{background:#eee;padding:.1em .35em;border-radius:.2em}a{color:#06c}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}code{background:#333}a{color:#6bf}}"
)
_POLICY = f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; base-uri 'none'; frame-ancestors 'none'"
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{name}</title>
<style>{style}</style>
</head>
<body>
<h1>It works</h1>
<p>This is <strong>{name}</strong>, a Matrix homeserver (ChatMe {version}).</p>
<p>To chat, take a Matrix client, for example <a href="https://matrix.org/ecosystem/clients/">one from this list</a>.
When it asks for your homeserver, enter <code>{address}</code>, then sign in{or_register}.
Your full name on Matrix will look like <code>@you:{name}</code>.</p>
</body>
</html>
"""


class Pages:
    """`address` is what a person enters in a client: the public URL if there is one, else the server's name."""

    def __init__(self, server_name: str, address: str, version: str, *, registration_open: bool) -> None:
        or_register = " or create an account" if registration_open else ""
        page = _PAGE.format(
            name=escape(server_name), address=escape(address), version=escape(version), style=_STYLE, or_register=or_register
        )
        self._page = page.encode()
        self._headers = {"Content-Security-Policy": _POLICY, "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"}

    @endpoint("GET", "/", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def welcome(self, _request: Request) -> Answer:
        return Reply(self._page, headers=self._headers, content_type="text/html; charset=utf-8")
