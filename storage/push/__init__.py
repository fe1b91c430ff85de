"""The ports of `homeserver.push`."""
