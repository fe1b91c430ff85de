"""Tests of `homeserver.account_data`."""
