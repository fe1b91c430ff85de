"""Previews of web pages (client-server API, "preview_url")."""
