"""The client-server API: endpoints, a file per chapter of the specification."""
