"""Keys of other servers, and how they are doing."""
