"""What application services may do at the client-server API: as whom they act, and which names are theirs."""
