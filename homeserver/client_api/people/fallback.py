"""Web pages for clients that do not know a stage or a login type (client-server API, "Fallback", "Login Fallback").

Only what stands in these files may run on them: their content security policy names it by its hash.
"""

from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path
from urllib.parse import parse_qs, urlencode

from homeserver.accounts.interactive_auth import FALLBACK_STAGES, InteractiveAuth
from homeserver.accounts.stages import REGISTRATION_TOKEN, TERMS
from homeserver.errors import MatrixError, MissingParam, NotFound
from homeserver.web.body import read_all
from homeserver.web.endpoint import Access, Answer, Body, Rate, Reply, endpoint
from homeserver.web.request import Request

MAX_FORM_BYTES = 4096
_DONE = "<p>This is done. You may close this page and go back to your app.</p>"
_FORM = '<form method="post" action="?{action}">{fields}<button>{button}</button></form>'
_TOKEN = (
    '<label for="token">Your registration token</label><input id="token" name="token" maxlength="64" autocomplete="off" required autofocus>'
)


class Pages:
    """The frame that all share, filled."""

    def __init__(self) -> None:
        folder = Path(__file__).parent / "pages"
        self._files = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir()}

    def file(self, name: str) -> str:
        return self._files[name]

    def page(self, title: str, body: str, script: str | None = None, *, status: int = 200, may_connect: bool = False) -> Reply:
        """`body` is HTML; `script` names the file of its script."""
        style, code = self._files["style.css"], "" if script is None else self._files[script]
        filled = {
            "@TITLE@": escape(title),
            "@STYLE@": style,
            "@BODY@": body,
            "@SCRIPT@": "" if script is None else f"<script>{code}</script>",
        }
        html = self._files["frame.html"]
        for mark, text in filled.items():
            html = html.replace(mark, text)
        policy = [
            "default-src 'none'",
            f"style-src {_source(style)}",
            f"script-src {_source(code) if script else chr(39) + 'none' + chr(39)}",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ]
        if may_connect:
            policy.append("connect-src 'self'")
        headers = {"Content-Security-Policy": "; ".join(policy), "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
        return Reply(html.encode(), status, headers, "text/html; charset=utf-8")


def _source(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


class Fallback:
    def __init__(self, auth: InteractiveAuth, pages: Pages) -> None:
        self._auth = auth
        self._pages = pages

    @endpoint("GET", "/_matrix/client/v3/auth/{stage}/fallback/web", access=Access.NONE, rate=Rate.REGISTER, body=Body.NONE)
    async def show(self, request: Request, stage: str) -> Answer:
        session_id = request.required("session")
        try:
            done = await self._is_done(session_id, stage)
        except NotFound as error:
            return self._pages.page("Nothing to confirm", f"<p>{escape(error.message)}.</p>", status=404)
        return self._finished() if done else self._form(session_id, stage)

    @endpoint("POST", "/_matrix/client/v3/auth/{stage}/fallback/web", access=Access.NONE, rate=Rate.REGISTER, body=Body.STREAM)
    async def submit(self, request: Request, stage: str) -> Answer:
        if request.reader is None:
            raise MissingParam("The form is missing")
        form = await read_all(request.reader, MAX_FORM_BYTES)
        session_id = request.required("session")
        values = parse_qs(form.decode("utf-8", "replace"), max_num_fields=10)
        try:
            if not await self._is_done(session_id, stage):
                await self._auth.complete_aside(session_id, stage, {key: value[0] for key, value in values.items()})
        except NotFound as error:
            return self._pages.page("Nothing to confirm", f"<p>{escape(error.message)}.</p>", status=404)
        except MatrixError as error:
            return self._form(session_id, stage, error)
        return self._finished()

    async def _is_done(self, session_id: str, stage: str) -> bool:
        if stage not in FALLBACK_STAGES:
            raise NotFound("This step has no page of its own")
        return await self._auth.is_done(session_id, stage)

    def _finished(self) -> Reply:
        return self._pages.page("Thank you", _DONE, "done.js")

    def _form(self, session_id: str, stage: str, problem: MatrixError | None = None) -> Reply:
        title, fields, button = "Please confirm", "<p>Go on with what you began in your app.</p>", "Continue"
        if stage == REGISTRATION_TOKEN:
            title, fields = "Registration token", _TOKEN
        elif stage == TERMS:
            title, fields, button = "Terms", self._documents(), "I agree"
        said = "" if problem is None else f'<p class="problem" role="alert">{escape(problem.message)}</p>'
        form = _FORM.format(action=escape(urlencode({"session": session_id})), fields=fields + said, button=button)
        return self._pages.page(title, form, status=200 if problem is None else problem.status)

    def _documents(self) -> str:
        items = []
        for policy in self._auth.params(TERMS).get("policies", {}).values():
            texts = [text for text in policy.values() if isinstance(text, dict)]
            items += [
                f'<li><a href="{escape(text["url"])}" target="_blank" rel="noopener noreferrer">{escape(text["name"])}</a></li>'
                for text in texts
            ]
        return f"<p>Please read and accept:</p><ul>{''.join(items)}</ul>"


class LoginPage:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    @endpoint("GET", "/_matrix/static/client/login/", access=Access.NONE, rate=Rate.READ, body=Body.NONE)
    async def show(self, request: Request) -> Answer:
        return self._pages.page("Log in", self._pages.file("login.html"), "login.js", may_connect=True)
