"""People are reached outside their clients: by letters and by pushes."""
