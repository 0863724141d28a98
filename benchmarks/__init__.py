"""Measurements that are not tests: run by hand, on a quiet machine."""
