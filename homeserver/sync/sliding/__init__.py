"""Simplified sliding sync (MSC4186): a client names the rooms it looks at, and hears of those."""
