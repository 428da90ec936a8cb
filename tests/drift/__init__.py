"""`make drift`: every action on pages that drift, the agent beside bare scripts, judged by the sandbox's truth."""
