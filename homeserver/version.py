"""The version of ChatMe, in this one place."""

VERSION = "0.1.0"
