"""Devices and keys of other servers' users, and ours as those servers see them."""
