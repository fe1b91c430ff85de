"""Files and previews of pages."""
