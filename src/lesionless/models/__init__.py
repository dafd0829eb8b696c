"""The methods: autoencoders, AnoGAN, and the competitors without a network."""
