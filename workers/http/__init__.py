"""What the world may call: verify, store, answer. A task applies what was stored."""
