"""workers act: the only place that touches the database, the broker, providers and the clock."""
