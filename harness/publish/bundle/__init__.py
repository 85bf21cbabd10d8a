"""Bundles: results as one archive that a stranger can check, and reading one safely."""
