"""The notebook cell: the only folder that imports Jupyter."""
