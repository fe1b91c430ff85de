"""What the assistant can do, a file each. `SKILLS` lists them all: their words call them, their order is that of the help."""

from typing import Final

from appservices.assistant.skill import Skill
from appservices.assistant.skills.actions import Actions
from appservices.assistant.skills.answer import AnswerQuestion
from appservices.assistant.skills.approve import Approve
from appservices.assistant.skills.classify import Classify
from appservices.assistant.skills.code import FindCode
from appservices.assistant.skills.files import LookAtFiles
from appservices.assistant.skills.links import LinkResources
from appservices.assistant.skills.meetings import Meetings
from appservices.assistant.skills.organise import Organise
from appservices.assistant.skills.setup import SetUp
from appservices.assistant.skills.suggest import SuggestReplies
from appservices.assistant.skills.summary import Summarise
from appservices.assistant.skills.tasks import Tasks
from appservices.assistant.skills.translate import Translate

SKILLS: Final[tuple[Skill, ...]] = (
    AnswerQuestion(),
    Summarise(),
    Actions(),
    Tasks(),
    Meetings(),
    LinkResources(),
    FindCode(),
    LookAtFiles(),
    Translate(),
    SuggestReplies(),
    Organise(),
    Classify(),
    Approve(),
    SetUp(),
)
