"""Lesion maps for brain MR, learned from scans without lesions."""

from importlib.metadata import version

__version__ = version("lesionless")
