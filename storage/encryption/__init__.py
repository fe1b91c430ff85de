"""Keys, messages to devices and backups."""
