"""The assistant that rooms may ask in, as an application service in this process."""
