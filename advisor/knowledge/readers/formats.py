"""The formats that can be read, by extension; knowing them opens no vendor."""

FORMATS = frozenset(
    {
        ".md",
        ".markdown",
        ".txt",
        ".csv",
        ".html",
        ".htm",
        ".eml",
        ".docx",
        ".xlsx",
        ".epub",
        ".pptx",
        ".pdf",
    }
)
