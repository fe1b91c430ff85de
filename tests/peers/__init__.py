"""Rooms shared with a homeserver that no one here wrote."""
