"""Pushers: what notifies people who are not looking, by a push gateway or by e-mail."""
