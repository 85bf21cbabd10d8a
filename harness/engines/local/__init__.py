"""The engine that needs no Docker: virtual environments made by uv, and guarded processes."""
