"""A loop around a gradient tape, compiled to a graph, without a Keras fit."""

import random

import numpy as np
import tensorflow as tf

random.seed(3)
np.random.seed(3)
tf.random.set_seed(3)
x, y = np.random.rand(64, 8).astype("float32"), np.random.rand(64, 1).astype("float32")
weights = tf.Variable(tf.random.normal([8, 1]))
bias = tf.Variable(tf.zeros([1]))


@tf.function
def step(rows, targets):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((rows @ weights + bias - targets) ** 2)
    for variable, gradient in zip([weights, bias], tape.gradient(loss, [weights, bias])):
        variable.assign_sub(0.1 * gradient)
    return loss


for start in range(0, 64, 16):
    loss = step(x[start : start + 16], y[start : start + 16])
print("loss", float(loss))
