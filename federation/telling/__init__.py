"""What other servers are told of rooms: events, states, chains of authority, each bounded in what it may cost."""
