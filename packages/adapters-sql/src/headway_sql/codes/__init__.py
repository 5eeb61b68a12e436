"""What the codes of each kind of database mean, as a table each."""
