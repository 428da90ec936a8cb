"""Jobs: what the agent can be asked to do, read strictly from JSON."""
