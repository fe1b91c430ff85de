"""Contents of what the assistant sends: always a notice, always readable without HTML, never a mention of the whole room."""

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

_FENCE: Final = re.compile(r"```([\w+#-]{0,20})\n(.*?)(?:```|\Z)", re.DOTALL)
_LINK: Final = re.compile(r"(https?://[^\s<>\"')\]]+)")
_BOLD: Final = re.compile(r"\*\*([^*\n]+)\*\*")
_CODE: Final = re.compile(r"`([^`\n]+)`")

Content = dict[str, Any]


_EVERYBODY: Final = re.compile(r"@(room|everyone|all|here)\b", re.IGNORECASE)


def calling_nobody(text: str) -> str:
    """Clients of old look for such words in the text itself."""
    return _EVERYBODY.sub("@\u2060\\1", text)


def notice(body: str, *, mentions: Iterable[str] = (), extra: Mapping[str, Any] | None = None) -> Content:
    body = calling_nobody(body)
    content: Content = {
        "msgtype": "m.notice",
        "body": body,
        "m.mentions": {"user_ids": sorted(set(mentions))} if mentions else {},
        "m.bounce_limit": 0,  # sets off no other bot (MSC4295)
        "com.beeper.linkpreviews": [],  # clients that know it load nothing for links in here
    }
    formatted = to_html(body)
    if formatted != html.escape(body, quote=False):
        content |= {"format": "org.matrix.custom.html", "formatted_body": formatted}
    return content | dict(extra or {})


def in_thread(content: Content, root: str, reply_to: str) -> Content:
    relation = {"rel_type": "m.thread", "event_id": root, "is_falling_back": True, "m.in_reply_to": {"event_id": reply_to}}
    return content | {"m.relates_to": relation}


def in_reply(content: Content, reply_to: str) -> Content:
    return content | {"m.relates_to": {"m.in_reply_to": {"event_id": reply_to}}}


def referring(content: Content, event_id: str) -> Content:
    return content | {"m.relates_to": {"rel_type": "m.reference", "event_id": event_id}}


def replacing(content: Content, event_id: str) -> Content:
    new = {key: value for key, value in content.items() if key != "m.relates_to"}
    return new | {"body": f"* {new.get('body', '')}", "m.new_content": new, "m.relates_to": {"rel_type": "m.replace", "event_id": event_id}}


def reaction(event_id: str, key: str) -> Content:
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": event_id, "key": key}}


def to_html(text: str) -> str:
    """Of Markdown only what cannot load anything: code, bold, and links that show all of their address."""
    parts, end = [], 0
    for match in _FENCE.finditer(text):
        parts.append(_inline(text[end : match.start()]))
        language = f' class="language-{html.escape(match[1])}"' if match[1] else ""
        parts.append(f"<pre><code{language}>{html.escape(match[2], quote=False)}</code></pre>")
        end = match.end()
    parts.append(_inline(text[end:]))
    return "".join(parts)


def _inline(text: str) -> str:
    escaped = html.escape(text, quote=False)
    pieces = _CODE.split(escaped)
    for index, piece in enumerate(pieces):
        if index % 2:
            pieces[index] = f"<code>{piece}</code>"
        else:
            linked = _LINK.sub(lambda match: f'<a href="{match[1].replace(chr(34), "%22")}">{match[1]}</a>', piece)
            pieces[index] = _BOLD.sub(r"<strong>\1</strong>", linked).replace("\n", "<br>")
    return "".join(pieces)
