"""Requests that are changed, stopped or taken back."""
