"""Workers that die at a commit: every point at which one can be lost, tried one by one."""
