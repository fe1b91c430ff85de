"""Rooms shared with other homeservers: a wing beside `homeserver`, joined to it in `homeserver.main` alone."""
