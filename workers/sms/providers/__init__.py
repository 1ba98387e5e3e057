"""The SMS providers behind one interface: one file for each provider."""
