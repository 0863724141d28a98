"""From images to measured runs: data, models, training, evaluation and the stages."""
