"""Ports: what the core needs from the outside, one Protocol a file."""
