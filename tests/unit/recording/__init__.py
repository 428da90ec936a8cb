"""Recordings read back: parsing, rebuilding, hostile input."""
