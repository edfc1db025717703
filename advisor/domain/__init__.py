"""Nouns and pure rules: no vendor, no disk, no network."""
