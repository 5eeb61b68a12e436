"""Migrations, applied by Alembic."""
