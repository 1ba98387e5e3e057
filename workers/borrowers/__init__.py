"""What borrowers tell us: new contact details, opt-outs, and replies to texts."""
