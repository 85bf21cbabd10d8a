"""The artifact appendix of a paper: what records say of what was run, where, and what came out."""
