"""Doors: each parses, makes one Advisor call, and renders."""
