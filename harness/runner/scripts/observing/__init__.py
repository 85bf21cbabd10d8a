"""What runs inside the script's process: it applies settings, and notes what the script trains.

Nothing here imports NumPy or TensorFlow before the script does. Modules that need TensorFlow are
imported once it is there.
"""
