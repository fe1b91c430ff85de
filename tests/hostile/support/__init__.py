"""The liar, the server that is lied to, and what must hold afterwards."""
