"""From a file or product on disk to Spectra or a Scene: `read`, and a registry that others extend."""

from deepsalt.readers.registry import Reader, files_behind, read, reader_for, readers

__all__ = ["Reader", "files_behind", "read", "reader_for", "readers"]
