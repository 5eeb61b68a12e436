"""What is PostgreSQL's alone: many processes and hosts on one server. Needs the extra `postgresql`."""
