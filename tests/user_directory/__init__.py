"""Tests of `homeserver.user_directory`."""
