"""The agent's clock: what becomes due by time alone is found, and put into the queue."""
