"""The pack of selectors: whose it is, and whether it may be driven with."""
