"""The durable job queue: accepted means on disk, in order per person, never two jobs of one person at once."""
