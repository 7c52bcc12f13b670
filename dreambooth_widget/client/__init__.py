"""Fetching without Jupyter: connections, the polling schedule, and the jobs."""
