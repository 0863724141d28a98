"""Chains of errors: libraries wrap an error in another, often several times."""

from collections.abc import Iterator

from pipeline.errors import brief


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and those that led to it, the most recent first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def reason_of(error: BaseException) -> str:
    """Return the first cause of an error in a few words, such as ``Connection refused``."""
    *_, first = causes(error)
    text = (first.strerror if isinstance(first, OSError) else None) or str(first)
    return brief(text) or type(first).__name__
