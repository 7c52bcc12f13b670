"""Untrusted bytes become pictures that are checked, shrunk, stored and saved. No network."""
