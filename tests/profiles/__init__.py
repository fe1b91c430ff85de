"""Tests of `homeserver.profiles`."""
