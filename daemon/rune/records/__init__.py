"""The on-disk formats: one file owns one format, its reading, writing and versioning."""
