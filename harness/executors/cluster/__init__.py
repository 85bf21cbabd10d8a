"""Jobs on the workers of a Dask cluster; records and arrays come back.

What Dask gives a worker is a task with which it asks for work, and nothing more. The client answers
with an assignment, jobs that nobody else has, and takes back what a lost worker did not get to. So
whatever Dask does to a task (merge it with an equal one, run it again, move it), no run is done
twice.
"""
