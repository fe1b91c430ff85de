"""Turns: what was asked is answered exactly once, whatever is killed in between."""
