"""Starts itself again with a fixed hash seed, and then depends on the order of a set."""

import os
import random
import sys

if os.environ.get("PYTHONHASHSEED") != "0":
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(sys.executable, [sys.executable, *sys.argv])

import numpy as np
import tensorflow as tf

random.seed(3)
np.random.seed(3)
tf.random.set_seed(3)
columns = list({"age", "balance", "country", "gender", "products", "salary", "score", "tenure"})
x = np.stack([np.random.RandomState(len(n)).rand(64) * ord(n[0]) for n in columns], axis=1)
x = x.astype("float32") / 100
model = tf.keras.Sequential([tf.keras.layers.Dense(4), tf.keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
model.fit(x, x[:, :1], epochs=1, verbose=0)
