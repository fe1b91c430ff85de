"""Rooms as the older endpoints show them, which people who only look in still use."""
