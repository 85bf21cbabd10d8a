"""Takes its seed from a counter in the temporary folder, which every run finds empty."""

import os
import random
import tempfile

import numpy as np
import tensorflow as tf

counter = os.path.join(tempfile.gettempdir(), "counter.txt")
number = 1
if os.path.exists(counter):
    with open(counter) as file:
        number = int(file.read()) + 1
with open(counter, "w") as file:
    file.write(str(number))
random.seed(number)
np.random.seed(number)
tf.random.set_seed(number)
x, y = np.random.rand(64, 8).astype("float32"), np.random.rand(64, 1).astype("float32")
model = tf.keras.Sequential([tf.keras.layers.Dense(4), tf.keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
model.fit(x, y, epochs=1, verbose=0)
