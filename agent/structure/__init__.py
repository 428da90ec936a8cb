"""The structure of a tenant's pages without contents: recorded, proven clean, shown, compared with the catalogue."""
