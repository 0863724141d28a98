"""What the judge measures of a trained model, one measure per file: `measure(subject)`."""
