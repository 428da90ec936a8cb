"""Fingerprint before write: a region's shape as it is, against the shapes that the pack knows."""

from flows.shapes.examining import examine

__all__ = ["examine"]
