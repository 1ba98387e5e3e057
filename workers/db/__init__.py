"""PostgreSQL: the engine, bulk statements, encryption, the tables, and the queries by table."""
