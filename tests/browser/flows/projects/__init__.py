"""The Directory of a project and distribution groups, in both generations of pages."""
