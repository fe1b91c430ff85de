"""Media: the records in the database, the bytes on disk."""
