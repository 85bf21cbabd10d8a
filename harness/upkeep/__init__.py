"""What lies on this machine: what a plan can reuse, what may be removed, what stands in the way."""
