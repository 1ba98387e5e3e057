"""gateways speak to providers: one port for each kind, one file for each provider."""
