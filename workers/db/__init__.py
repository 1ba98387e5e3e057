"""The store: PostgreSQL is the truth. Tables, migrations, and what the workers ask of it."""
