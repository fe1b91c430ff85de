"""Section `rooms`: who may make and publish them, and of which version they are."""

from typing import Literal, NamedTuple

RoomVersionName = Literal["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"]
Who = Literal["anyone", "admins"]


class Rooms(NamedTuple):
    default_version: RoomVersionName = "12"
    who_may_create: Who = "anyone"
    who_may_publish: Who = "anyone"  # in the public room directory
    directory_needs_account: bool = True  # False: GET /publicRooms answers without an access token
