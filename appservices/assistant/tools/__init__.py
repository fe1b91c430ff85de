"""What a model may ask for. Reading is done with the asker's eyes; what changes anything is only proposed."""

from typing import Final

from appservices.assistant.tools.act import CATEGORY, MEETING, TASK, TOPIC
from appservices.assistant.tools.read import SEARCH
from appservices.assistant.tools.tool import Tool

TOOLS: Final[tuple[Tool, ...]] = (SEARCH, TASK, MEETING, TOPIC, CATEGORY)


def find_tool(name: str) -> Tool | None:
    return next((tool for tool in TOOLS if tool.name == name), None)
