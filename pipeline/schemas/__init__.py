"""Every file that one stage writes and another reads, declared once; free of torch."""
