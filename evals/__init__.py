"""Proof, case by case, that the answers are right."""
