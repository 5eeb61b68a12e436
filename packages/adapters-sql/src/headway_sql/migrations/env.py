"""Alembic's entry: runs on the connection that it is given, inside that connection's transaction."""

from alembic import context

from headway_sql.metadata import rendered

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    version_table=context.config.attributes["version_table"],
    render_as_batch=True,
    render_item=rendered,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
