"""ChatMe's domain: what the server does, free of storage, wire and wiring."""
