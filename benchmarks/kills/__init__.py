"""Disturb the product at random times, then check that its books are exact: `make kills`."""
