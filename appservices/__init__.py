"""Application services (bridges, bots): a wing beside `homeserver`, joined to it in `homeserver.main` alone."""
