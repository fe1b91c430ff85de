"""Tests of `homeserver.reports`."""
