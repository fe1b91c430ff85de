"""The `chatme` command: what a person types, and what it says back."""
