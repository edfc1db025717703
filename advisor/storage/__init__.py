"""What is kept in SQL."""
