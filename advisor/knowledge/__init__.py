"""Reads playbooks from disk, splits them, and has them indexed."""
