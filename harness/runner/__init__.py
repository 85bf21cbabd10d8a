"""Runs beside TensorFlow, in the measured environment: see `harness.runner.exchange`."""
