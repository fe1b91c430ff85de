"""Push rules: those everybody has, what a user changed of them, and what they say of an event (client-server API, "Push Rules"). Pure."""
