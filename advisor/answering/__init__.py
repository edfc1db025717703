"""Turns passages into answers: what the evidence allows, what is said, and which citation belongs to it."""
