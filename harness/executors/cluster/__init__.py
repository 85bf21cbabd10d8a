"""Jobs on the workers of a Dask cluster; records and arrays come back.

What travels to a worker through Dask is a token: the right to ask for work. The client answers by
giving jobs away, each once, and takes back what a lost worker did not get to. So whatever Dask does
to a token (merge it with an equal one, run it again, move it), no run is done twice.
"""
