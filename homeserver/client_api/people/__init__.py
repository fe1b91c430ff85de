"""Endpoints of accounts, logins and devices."""
