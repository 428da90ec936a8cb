"""The service account's secrets: a type that cannot be shown, a place to keep them, codes made on demand."""
