"""Figures that are promised, made again by anybody: `.venv/bin/python -m benchmarks.NAME`."""
