"""The drivers: SQLite and PostgreSQL behind `storage.database`, sharing group commit and threads."""
