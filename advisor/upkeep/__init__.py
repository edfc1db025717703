"""Looks after the knowledge base: what is asked and not there, what disagrees, what is old."""
