"""Everything that knows Procore's pages. The rest of the house uses :mod:`flows.interface` and nothing deeper."""
