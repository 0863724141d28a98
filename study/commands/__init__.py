"""What the commands of `study` do once the command line is read."""
