"""Why there is no answer, in words for the one who asked."""

from typing import Final

from appservices.assistant.language.ask import NoModel, NotHere, Resting, Withdrawn
from appservices.assistant.language.budgets import OverBudget
from appservices.assistant.language.privacy import REFUSED
from appservices.assistant.language.words import ModelFailed


class OptedOut(Exception):
    """The asker does not want to be read, so nothing of theirs goes to a model."""


TROUBLES: Final = (NoModel, NotHere, Resting, OverBudget, ModelFailed, OptedOut, Withdrawn)
_WHOSE: Final = {"user": "your", "room": "this room's", "server": "this server's"}
NO_MODEL: Final = (
    "No language model is configured here. With one I could answer questions, summarise, find decisions and action items, suggest replies and "
    "translate. Tasks, meetings, code, files and links work without: see !ai help."
)


def explain(error: Exception) -> str:
    if isinstance(error, NoModel):
        return NO_MODEL
    if isinstance(error, OptedOut):
        return "you have opted out, so nothing that you write goes to the language model; `optin` takes that back"
    if isinstance(error, Withdrawn):
        return "somebody whose words are needed for that has just opted out; please ask again"
    if isinstance(error, NotHere):
        return REFUSED
    if isinstance(error, OverBudget):
        return f"{_WHOSE[error.scope]} budget for this {error.period} is used up"
    if isinstance(error, Resting):
        return "the language model has failed repeatedly and is left alone for a while; please try again later"
    if isinstance(error, ModelFailed) and error.kind == "busy":
        return "the language model is busy; please try again later"
    if isinstance(error, ModelFailed) and error.is_of_one:
        return "the language model does not take this question as it is"
    return "the language model did not answer"


def without_model(what: str) -> str:
    """Said where there is none: what it would add here."""
    return f"No language model is configured here. With one I could {what}."
