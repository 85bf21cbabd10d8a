"""What host and measured side both read: the one contract between them.

Standard library only, and Python 3.7: the measured side may be that old.
"""
