"""The engine that builds images and runs containers, through the Docker SDK."""
