"""The notebook cell: the only folder that knows Jupyter."""
