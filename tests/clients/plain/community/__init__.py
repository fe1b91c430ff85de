"""Whom one deals with, and who looks after them."""
