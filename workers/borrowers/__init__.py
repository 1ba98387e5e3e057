"""What comes from borrowers: new contact details, opt-outs, and replies to texts."""
