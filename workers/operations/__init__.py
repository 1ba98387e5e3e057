"""For operators: the status, the open problems, and the register of policy documents."""
