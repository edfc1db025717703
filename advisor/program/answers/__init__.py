"""Answers about the program: one module a family of topics."""
