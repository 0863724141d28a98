"""Measurements that are not tests; run them by hand on an idle machine."""
