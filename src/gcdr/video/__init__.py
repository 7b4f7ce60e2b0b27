"""Videos as frames, one at a time, and the heads in them as tracks."""
