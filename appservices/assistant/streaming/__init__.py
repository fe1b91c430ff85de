"""Answers as they grow, told to the devices that look at them (MSC4471), without an event in the room for each word."""
