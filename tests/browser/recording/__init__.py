"""Recordings read back in a real browser, and what is made of them."""
