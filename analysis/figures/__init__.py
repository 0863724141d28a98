"""Frames and arrays -> figures. Pure: nothing is read or written; ``style.render`` saves.

Draw inside ``style.theme()``.
"""
