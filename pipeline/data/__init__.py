"""From verified images to the prepared file, and to what a model sees of it."""
