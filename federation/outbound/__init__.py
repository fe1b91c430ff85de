"""What other servers are told: events, and what passes or belongs to devices beside them (server-server API, "Transactions")."""
