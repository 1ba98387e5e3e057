"""Everything that touches the database, the message broker, the providers and the clock."""
