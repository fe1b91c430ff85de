"""Tests of `homeserver.ephemeral`."""
