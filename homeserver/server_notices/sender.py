"""Who sends server notices: known to those parts that let it pass everywhere."""

from config.accounts import ServerNotices


def sender_of(settings: ServerNotices, server_name: str) -> str:
    """The user ID; the account is made with the first notice."""
    return f"@{settings.localpart}:{server_name}"
