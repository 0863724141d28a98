"""Sources of images; each is verified before use."""

from pipeline.data.sources.official import DataError, Labels, Source, load_source

__all__ = ["DataError", "Labels", "Source", "load_source"]
