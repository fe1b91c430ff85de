"""Generated requests over every declared endpoint: whatever comes, the server answers in Matrix's words, keeps its head and goes on."""
