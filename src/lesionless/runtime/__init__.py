"""Fast inference with the numbers of the trained model."""
