"""Readers: from a file of any known format to pages of Markdown."""
