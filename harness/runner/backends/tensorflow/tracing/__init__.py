"""What is seen of the steps of a training, from outside: their batches, random numbers, results."""
