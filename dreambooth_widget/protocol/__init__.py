"""What is sent to the service and what its answers mean. Pure: no network, no clock, no randomness."""
