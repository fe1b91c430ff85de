"""Searching what was said in rooms."""
