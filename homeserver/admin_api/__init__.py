"""What administrators and their tools call: paths that are not of the specification."""
