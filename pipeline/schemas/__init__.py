"""Every file that one stage writes and another reads, declared once. Free of torch."""
