"""Scans in: files, folders, BIDS trees, phantoms."""
