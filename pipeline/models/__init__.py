"""VAEs, their likelihoods and the terms of the ELBO."""

from pipeline.models.vae import VAE, ImageShape, build_model, initialise, load_model, save_weights

__all__ = ["VAE", "ImageShape", "build_model", "initialise", "load_model", "save_weights"]
