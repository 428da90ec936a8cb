"""What an engineer needs to know of a job that did not go well. Reads evidence; changes nothing, asks nobody."""
