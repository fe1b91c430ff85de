"""Files: uploads, downloads, thumbnails (client-server API, "Content repository")."""
