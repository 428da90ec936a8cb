"""Handing a job over to a person: exactly what to click in Procore, with which values, and what is checked after."""
