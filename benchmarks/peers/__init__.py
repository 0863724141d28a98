"""What a user would pick instead, each as a competent user would run it."""
