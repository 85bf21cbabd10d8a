"""A model per fold, dropped after its fit; the folds are drawn by a generator without a seed."""

import random

import numpy as np
import tensorflow as tf

random.seed(3)
np.random.seed(3)
tf.random.set_seed(3)
x, y = np.random.rand(60, 8).astype("float32"), np.random.rand(60, 1).astype("float32")
order = np.random.default_rng().permutation(60)
for fold in range(3):
    held = order[fold * 20 : fold * 20 + 20]
    rows = np.setdiff1d(order, held)
    model = tf.keras.Sequential([tf.keras.layers.Dense(4), tf.keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    model.fit(x[rows], y[rows], epochs=1, verbose=0)
    print("fold", fold, "loss %.6f" % model.evaluate(x[held], y[held], verbose=0))
    del model
