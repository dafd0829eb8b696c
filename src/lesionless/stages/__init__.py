"""What the commands do: wiring of the other packages, one file per verb."""
