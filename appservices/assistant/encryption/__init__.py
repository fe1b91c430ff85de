"""Encrypted rooms: the assistant's own device, Olm between devices, Megolm in rooms. `cover.py` is what the rest of the assistant sees of it."""
