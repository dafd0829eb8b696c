"""From a raw scan to slices in atlas space with tissue-scaled intensity."""
