"""Which rooms the assistant may work in, what it may read there, and when it is spoken to."""
