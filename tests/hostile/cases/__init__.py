"""The lies, by what they are about."""
