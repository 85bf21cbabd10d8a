"""The Python interface: what people use in a notebook. `harness` hands its functions on.

Every function takes results as the commands do: one or several results folders and bundles, and
`results` where none is named. What it returns has numbers as numbers and settings in their natural
order (see `natural_order`), and shows itself in a notebook with what is worth reading.
"""
