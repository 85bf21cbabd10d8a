"""What can be trained, as the host knows it."""
