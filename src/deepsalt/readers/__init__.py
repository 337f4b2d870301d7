"""From a file or product on disk to Spectra or a Scene: `read`, and a registry that others extend."""

from deepsalt.readers.registry import Reader, read, readers

__all__ = ["Reader", "read", "readers"]
