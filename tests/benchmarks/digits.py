"""A user's script for the row `own-script`: mnist-cnn as one writes it without the harness.

It reads `mnist.npz` in its working directory, and prints the seconds that `fit` took.
"""

import time

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(1)
with np.load("mnist.npz") as digits:
    images = digits["x_train"][:12000].astype("float32") / 255
    labels = digits["y_train"][:12000]
layers = tf.keras.layers
model = tf.keras.Sequential(
    [
        layers.Input(shape=(28, 28, 1)),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
started = time.perf_counter()
model.fit(images[..., None], labels, batch_size=64, epochs=3, verbose=0)
print(f"fit: {time.perf_counter() - started:.4f} s")
