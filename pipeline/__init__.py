"""One VAE run: settings, data, models, training, evaluation, tracking."""
