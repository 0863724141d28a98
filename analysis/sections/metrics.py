"""All metrics: every number of every configuration, by topic."""

from analysis.findings import Findings
from analysis.present.exhibits import ReportSection, TableExhibit
from analysis.present.tables import group_tables
from analysis.sections.wording import over_seeds
from analysis.words import format_number, format_share
from pipeline.schemas.judge_card import JudgeCard
from pipeline.schemas.metric import GROUPS, Group


def section(found: Findings) -> ReportSection:
    """The section."""
    results = found.results
    classes = results.data.classes if results.data else ()
    remarks = judge_remarks(results.judge)
    basis = f"Means {over_seeds(found.summary, found.confidence)}."
    tables = tuple(
        TableExhibit(group, GROUPS[group], f"{basis} {remarks.get(group, '')}".strip(), table)
        for group, table in group_tables(
            found.summary, results.protocol, classes, results.judge
        ).items()
    )
    return ReportSection("metrics", "All metrics", tables)


def judge_remarks(judge: JudgeCard) -> dict[Group, str]:
    """Remarks that belong to the judge's numbers: how good it is, and what it was shown."""
    real = judge.real
    return {
        "judge": (
            "The judge is a classifier that reaches "
            f"{format_share(judge.accuracy)} test accuracy; its expected calibration error on test "
            f"images is {format_share(judge.calibration_error)}, compared with "
            f"{format_share(judge.uncalibrated_error)} before its temperature was fitted to the "
            f"validation split. Each model generated {judge.settings.samples:,} images. The last "
            "row shows the scores of real images, which are about what a perfect model would "
            f"reach: {real.images:,} training images in place of generated ones, or the test "
            "images for both confidences and the class entropy. Distances use the judge's own "
            "features and are not comparable with Inception FID."
        ),
        "paths": (
            "A point is plausible if the judge's confidence exceeds "
            f"{format_number(real.plausible_confidence, 3)}, the 5th percentile over test images."
        ),
    }
