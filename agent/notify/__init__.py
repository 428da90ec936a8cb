"""Telling people outside: what needs them, by webhook and e-mail, once per notice and channel."""
