"""What `precision: auto` costs in quality: final validation ELBO against float32, over seeds."""

from analysis.estimate.intervals import mean_interval
from benchmarks.context import DIGITS, Context, run_settings, together
from benchmarks.ours import Training, train
from benchmarks.rows import OURS, Row
from pipeline.numerics.hardware import resolve_hardware

SEEDS, QUICK_SEEDS = 5, 2
LATENT_DIM = 10
MOST_WORSE = 0.2  # nats per image
CONFIDENCE = 0.95


def measure(context: Context) -> list[Row]:
    """Compare the default linear and convolutional models on mnist-5k."""
    seeds = QUICK_SEEDS if context.quick else SEEDS
    changes = {"epochs": 2} if context.quick else {}
    rows = []
    for architecture in ("linear", "conv"):
        tasks = [
            Training(
                run_settings(
                    architecture, latent_dim=LATENT_DIM, precision=precision, seed=seed, **changes
                ),
                context.prepared(DIGITS),
                threads=1,
            )
            for precision in ("auto", "float32")
            for seed in range(seeds)
        ]
        elbos = [one.valid_elbo for one in together(train, tasks, context.cores)]
        loss = [exact - auto for auto, exact in zip(elbos[:seeds], elbos[seeds:], strict=True)]
        interval = mean_interval(loss, CONFIDENCE)
        details = {
            "precision auto is": resolve_hardware("auto", "auto").precision,
            "validation ELBO": {"auto": elbos[:seeds], "float32": elbos[seeds:]},
            "float32 better by": {
                "mean": interval.mean,
                "low": interval.low,
                "high": interval.high,
            },
        }
        name = f"ELBO lost to bfloat16, {architecture}-{LATENT_DIM}, upper end of the 95 % interval"
        rows.append(Row("", name, "nats", {OURS: [interval.high]}, "smaller", MOST_WORSE, details))
    return rows
