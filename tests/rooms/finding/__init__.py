"""Rooms as they are found: the directory and spaces."""
