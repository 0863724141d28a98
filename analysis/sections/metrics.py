"""All metrics: every number of every configuration, by what it is about."""

from analysis.findings import Findings
from analysis.present.exhibits import ReportSection, TableExhibit
from analysis.present.tables import group_tables
from analysis.words import format_number, format_percent, format_range, format_share
from pipeline.schemas.judge_card import JudgeCard
from pipeline.schemas.metric import GROUPS, Group


def section(found: Findings) -> ReportSection | None:
    """The chapter; None where the comparison shows all there is."""
    results = found.results
    classes = results.data.classes if results.data else ()
    remarks = judge_remarks(results.judge) if results.judge else {}
    seeds = format_range(found.summary["seeds"].tolist(), "seed")
    basis = f"Means over {seeds} with {format_percent(found.confidence)} intervals (Student's t)."
    tables = tuple(
        TableExhibit(group, GROUPS[group], f"{basis} {remarks.get(group, '')}".strip(), table)
        for group, table in group_tables(
            found.summary, results.protocol, classes, results.judge
        ).items()
    )
    return ReportSection("metrics", "All metrics", tables) if tables else None


def judge_remarks(judge: JudgeCard) -> dict[Group, str]:
    """What must stand beside the numbers by the judge: how good it is, and what it was shown."""
    real = judge.real
    return {
        "judge": (
            f"The judge is a classifier that names {format_share(judge.accuracy)} of the test images "
            f"rightly; its expected calibration error on them is "
            f"{format_share(judge.calibration_error)}, and was {format_share(judge.uncalibrated_error)} "
            "before its temperature was fitted to the validation split. Each model drew "
            f"{judge.settings.samples:,} images. The last row is what real images score, about as "
            f"well as a perfect model would: {real.images:,} of the training split in place of "
            "drawn ones; for both confidences and class entropy those of the test split. Distances "
            "are in the judge's own features and not comparable with Inception FID."
        ),
        "paths": (
            f"A point is plausible where the judge's confidence exceeds "
            f"{format_number(real.plausible_confidence, 3)}, the 5th percentile of test images."
        ),
    }
