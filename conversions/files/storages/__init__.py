"""Where bytes are kept: a local disk or a bucket of any S3, chosen by the environment.

Both keep one promise: what is stored under a name is whole or absent, and storing the name again replaces it.
"""

# What is read and handed on at once.
BLOCK = 64 * 1024


class StorageError(OSError):
    """The storage did not do what was asked; the message names its error code, no key and no address."""
