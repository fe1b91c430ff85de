"""The tables of what belongs to one person, of the user directory and of reports."""
