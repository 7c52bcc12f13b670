"""Tests in a real browser: the card on a blank page, and the widget in JupyterLab, Notebook 7, Voila and marimo."""
