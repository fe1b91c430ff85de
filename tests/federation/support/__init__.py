"""Whole servers joined in memory."""
