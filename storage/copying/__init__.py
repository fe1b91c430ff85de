"""From one database to another: from SQLite to PostgreSQL, and back."""
