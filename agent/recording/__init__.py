"""Recorded pages, read back: what stands in a ``trace.zip``, rebuilt without a script and served without a network."""
