"""Where images come from: each source is verified before it is used."""

from pipeline.data.sources.official import DataError, Labels, Source, load_source

__all__ = ["DataError", "Labels", "Source", "load_source"]
