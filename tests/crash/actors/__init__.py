"""Who uses the server while it is killed: each knows what was acknowledged to it."""
