"""What is SQLite's alone: one file, many processes, one writer at a time."""
