"""Tables, exhibits and the one style of all figures."""
