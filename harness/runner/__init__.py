"""Runs beside TensorFlow, in the measured environment: see `harness.protocol.exchange`."""
