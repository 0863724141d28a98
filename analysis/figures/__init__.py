"""Frames and arrays -> figures. Pure: nothing is read, written or kept; ``style.render`` saves.

Draw inside ``style.theme()``.
"""
