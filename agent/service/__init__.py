"""Ways in and ways to look while the agent runs: the local HTTP interface, its client, operators, metrics, health."""
