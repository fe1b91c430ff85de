"""What reaches people outside their clients: letters to their addresses, and pushes."""
