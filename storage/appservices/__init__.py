"""The port of the application services."""
