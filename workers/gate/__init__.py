"""Claims an action under lock, reads the facts again, and asks the contact gate."""
