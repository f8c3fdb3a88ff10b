"""The files of the pages that people look at."""
