"""Ways in: job files as JSON, JSON Lines and CSV, and the inbox folder. A batch is taken as a whole or not at all."""
