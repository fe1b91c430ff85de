"""Searching for people (client-server API, "User Directory")."""

from homeserver.user_directory.directory import DEFAULT_LIMIT, UserDirectory
from homeserver.user_directory.store import Listed
from homeserver.web.endpoint import Access, Answer, Rate, Schema, endpoint
from homeserver.web.request import Request


class UserDirectoryEndpoints:
    def __init__(self, directory: UserDirectory) -> None:
        self._directory = directory

    @endpoint(
        "POST", "/_matrix/client/v3/user_directory/search", access=Access.USER, rate=Rate.READ, body=Schema("client/user_directory_search")
    )
    async def search(self, request: Request) -> Answer:
        found = await self._directory.search(request.user.user_id, request.body["search_term"], request.body.get("limit", DEFAULT_LIMIT))
        return {"results": [_result(listed) for listed in found.results], "limited": found.limited}


def _result(listed: Listed) -> dict[str, str]:
    result = {"user_id": listed.user_id}
    if listed.displayname is not None:
        result["display_name"] = listed.displayname
    if listed.avatar_url is not None:
        result["avatar_url"] = listed.avatar_url
    return result
