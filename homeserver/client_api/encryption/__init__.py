"""Endpoints of end-to-end encryption and of messages to devices."""
