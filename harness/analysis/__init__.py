"""From results folders to tables: runs, cells, classes and axes as pandas DataFrames."""
