"""Which rooms a client looks at."""
