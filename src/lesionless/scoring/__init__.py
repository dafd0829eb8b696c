"""From residual to segmentation; arrays only."""
