"""Content repository (client-server API): uploads, downloads, thumbnails."""
