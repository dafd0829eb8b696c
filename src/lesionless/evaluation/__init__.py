"""Metrics, intervals and timing of segmentations against reference lesions."""
