"""Two models; the first one is gone when the second one trains, and that one trains twice."""

import random

import numpy as np
import tensorflow as tf

random.seed(3)
np.random.seed(3)
tf.random.set_seed(3)
x, y = np.random.rand(64, 8).astype("float32"), np.random.rand(64, 1).astype("float32")


def features():
    model = tf.keras.Sequential([tf.keras.layers.Dense(4), tf.keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    model.fit(x, y, epochs=1, verbose=0)
    return model.predict(x, verbose=0)


second = tf.keras.Sequential([tf.keras.layers.Dense(1)])
second.compile(optimizer="sgd", loss="mse")
second.fit(features(), y, epochs=1, verbose=0)
second.fit(x[:, :1], y, epochs=2, verbose=0)
print("loss %.6f" % second.evaluate(x[:, :1], y, verbose=0))
