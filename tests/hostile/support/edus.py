"""What passes and is no event."""

from typing import Any

from tests.hostile.support.scene import Scene


def edu(kind: str, content: Any) -> dict[str, Any]:
    return {"edu_type": kind, "content": content}


def typing_in(scene: Scene, user_id: str, room: str = "", typing: Any = True) -> dict[str, Any]:
    return edu("m.typing", {"room_id": room or scene.room, "user_id": user_id, "typing": typing})
