"""What the service is asked and what its answers mean. Pure: no network, no clock, no randomness."""
