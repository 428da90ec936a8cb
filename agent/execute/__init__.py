"""Running one job: observe, plan, policy, execute, verify."""
