"""What is told of a job that did not go well."""
