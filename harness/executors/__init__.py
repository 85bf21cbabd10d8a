"""Where jobs (`harness.protocol.job`) go: this machine. An executor leaves records."""
