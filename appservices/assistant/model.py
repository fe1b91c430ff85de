"""The model itself: whatever speaks the OpenAI API at a `base_url`. The only import of `openai`, made at the start and only where there is a model: it
takes half a second, in which a thread would hold up everybody.

What it sends is never trusted to end: time, text and pieces are bounded, and a call that nobody waits for any more is cut at its socket.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.defer import Deferred

from appservices.assistant.language.words import ModelFailed, Prompt, Reply, ToolCall, count_prompt, count_tokens
from appservices.assistant.runtime import Clock, Workers
from appservices.assistant.settings import BadSettings, Model

if TYPE_CHECKING:
    from appservices.assistant.language.line import Line

_CHARACTERS_A_TOKEN: Final = 8  # more than this for each token allowed is a model that does not keep to it
_MOST_PIECES: Final = 100_000
_MOST_CALLS: Final = 8
_MOST_ARGUMENTS: Final = 16_000
_TELL_EACH: Final = 24  # characters
_CLOSED: Final = (401, 402, 404)  # to whatever is asked


class OpenAiModel:
    def __init__(self, settings: Model, workers: Workers, clock: Clock) -> None:
        """Raises BadSettings where the client is not installed."""
        self._settings = settings
        self._workers = workers
        self._clock = clock
        try:
            import httpx2
            import openai
        except ImportError as error:
            raise BadSettings("assistant.model: needs the package openai (pip install chatme[assistant])") from error
        from appservices.assistant.language.line import Pace

        self._pace = Pace(clock, workers)
        self._context = httpx2.create_ssl_context()
        self._client = openai.OpenAI(
            base_url=settings.base_url, api_key=settings.api_key or "none", timeout=settings.timeout_seconds, max_retries=0
        )
        self._completions = self._client.chat.completions  # which loads the rest of the package

    def ask(self, prompt: Prompt, on_text: Callable[[str], None]) -> Deferred[Reply]:
        from appservices.assistant.language.line import Line

        line = Line(self._context, self._settings.timeout_seconds, prompt.most_tokens, self._pace)
        call = _Call(self._settings, self._workers, line, prompt, on_text)
        done: Deferred[Reply] = Deferred(lambda _: call.stop())
        call.done = done
        timer = self._clock.call_later(self._settings.timeout_seconds, call.give_up)

        def end(result: Any) -> Any:
            if timer.active():
                timer.cancel()
            call.stop()
            return result

        done.addBoth(end)
        self._workers.start(lambda: call.run(self._client))
        return done


class _Call:
    """One question. `run` is in a thread; `done` belongs to the loop."""

    def __init__(self, settings: Model, workers: Workers, line: "Line", prompt: Prompt, on_text: Callable[[str], None]) -> None:
        self._settings = settings
        self._workers = workers
        self._line = line
        self._prompt = prompt
        self._on_text = on_text
        self.done: Deferred[Reply] = Deferred()
        self._stopped = False
        self._text: list[str] = []
        self._size = 0
        self._told = 0
        self._calls: dict[int, list[str]] = {}
        self._usage = (0, 0)

    # ---- on the loop

    def stop(self) -> None:
        self._stopped = True
        self._line.cut()

    def give_up(self) -> None:
        if not self.done.called:
            self.done.errback(ModelFailed("down"))

    def _tell(self, text: str) -> None:
        if not self._stopped and not self.done.called:
            self._on_text(text)

    def _finish(self, reply: Reply) -> None:
        if not self._stopped and not self.done.called:
            self.done.callback(reply)

    def _fail(self, error: ModelFailed) -> None:
        if not self._stopped and not self.done.called:
            self.done.errback(error)

    # ---- in a thread

    def run(self, client: Any) -> None:
        if self._stopped:
            return
        try:
            with self._line.open() as http, client.with_options(http_client=http).chat.completions.create(**self._request()) as stream:
                self._read(stream)
            self._workers.tell(self._finish, self._reply())
        except Exception as error:  # whatever the client or the model came up with: the asker is told, the breaker counts
            self._workers.tell(self._fail, _as_failure(error))

    def _request(self) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "model": self._settings.name,
            "messages": self._prompt.messages,
            "max_tokens": self._prompt.most_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        return asked | ({"tools": self._prompt.tools} if self._prompt.tools else {})

    def _read(self, stream: Any) -> None:
        most = self._prompt.most_tokens * _CHARACTERS_A_TOKEN
        for number, chunk in enumerate(stream):
            if self._stopped or number > _MOST_PIECES or self._size > most:
                self._line.cut()
                return
            if chunk.usage is not None:
                self._usage = (chunk.usage.prompt_tokens or 0, chunk.usage.completion_tokens or 0)
            for choice in chunk.choices or ():
                if choice.delta is not None:
                    self._take(choice.delta, most)

    def _take(self, delta: Any, most: int) -> None:
        if delta.content:
            piece = str(delta.content)[: max(most - self._size, 0)]
            self._text.append(piece)
            self._size += len(delta.content)
            if self._size - self._told >= _TELL_EACH:
                self._told = self._size
                self._workers.tell(self._tell, _whole("".join(self._text)))
        for call in delta.tool_calls or ():
            if len(self._calls) >= _MOST_CALLS and call.index not in self._calls:
                continue
            known = self._calls.setdefault(call.index, ["", "", ""])
            known[0] = known[0] or str(call.id or "")
            if call.function is not None:
                known[1] = known[1] or str(call.function.name or "")
                known[2] = (known[2] + str(call.function.arguments or ""))[:_MOST_ARGUMENTS]

    def _reply(self) -> Reply:
        text = _whole("".join(self._text))
        calls = tuple(
            ToolCall(_whole(id) or f"call{index}", _whole(name), _whole(arguments))
            for index, (id, name, arguments) in sorted(self._calls.items())
        )
        tokens_in, tokens_out = self._usage
        return Reply(text, calls, tokens_in or count_prompt(self._prompt), tokens_out or count_tokens(text))


def _whole(text: str) -> str:
    """There are servers that send a character in two halves: they are put together, and one that is left alone is none."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _as_failure(error: Exception) -> ModelFailed:
    import openai

    if isinstance(error, openai.APIStatusError):
        status = error.status_code
        if status == 429 or status >= 500:
            return ModelFailed("busy" if status == 429 else "down", _retry_after(error.response.headers.get("retry-after")))
        return ModelFailed("closed" if status in _CLOSED else "refused")
    return ModelFailed("down" if isinstance(error, openai.APIConnectionError) else "broken")


def _retry_after(header: str | None) -> float | None:
    try:
        return min(float(header), 600.0) if header else None
    except ValueError:
        return None
