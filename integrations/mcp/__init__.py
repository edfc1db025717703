"""The advisor as tools of the Model Context Protocol."""
