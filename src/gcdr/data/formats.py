"""Formats that :mod:`gcdr.data.export` writes, by name; planning and a command line need no more of it."""

EXPORTED_FORMATS = ("csv", "gazefollow", "gazelle", "coco", "labelstudio", "cvat")
FOLDERS = ("gazefollow", "gazelle")
"""Those that are several files with names of their own."""
