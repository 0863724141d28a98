"""`study run`, from its settings to its last line; the pipeline's stage runs it too."""

import os
import shlex
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from analysis.words import pluralise
from pipeline.data.prepared import load_prepared
from pipeline.errors import command_to_type
from pipeline.runtime.address import STORAGE_VARIABLE, without_password
from pipeline.runtime.workers import count_workers
from pipeline.settings import (
    RunSettings,
    Settings,
    SettingsError,
    load_settings,
    override,
    parse_settings,
)
from study.commands.contents import ranked_trials
from study.commands.export import elsewhere, replaces_another
from study.commands.lines import print_rows, say
from study.commands.options import DEFAULT_URL
from study.commands.tables import show_best
from study.commands.where import where_recorded
from study.outcome.importance import remember_importance
from study.search.first import first_points
from study.search.plan import PARENT, Plan, plan_of
from study.search.schedule import is_exhausted
from study.store.deletion import explain_deletion
from study.store.joining import open_search
from study.store.quiet import quiet_optuna
from study.store.reconnect import exit_if_disconnected
from study.store.searches import is_new
from study.store.storage import explain_full_disk
from study.workers.membership import are_records_kept, open_tracker
from study.workers.supervisor import Outcome, supervise


def searched_settings(
    params: Path, assignments: Sequence[str], changes: dict[str, Any]
) -> Settings:
    """Load the settings file with the changes of the command line.

    Args:
        params: the settings file.
        assignments: ``KEY=VALUE`` texts from `-S`.
        changes: values of section ``search``.
    """
    settings = load_settings(params)
    if not assignments and not changes:
        return settings
    content = override(settings.model_dump(mode="json"), assignments)
    content["search"] |= changes
    return parse_settings(content, "the command line")


def search_and_summarise(
    settings: Settings,
    data: Path,
    workers: str,
    timeout: float | None,
    url: str,
    name: str | None,
    earlier: Mapping[str, RunSettings] | None = None,
) -> Outcome:
    """Start or resume a search, wait for its trials, and show what they yield.

    Args:
        settings: what to search, and how many trials.
        data: the prepared file.
        workers: number of processes, or ``auto``.
        timeout: seconds after which to stop.
        url: the store's address.
        name: the search's name; by default made from its plan.
        earlier: runs of an earlier search, by what to call them, to try first.
    """
    quiet_optuna()
    prepared = load_prepared(data, splits=("valid",))
    if prepared.name != settings.data.name:
        raise SettingsError(
            f"data.name = {settings.data.name}, but {data} contains {prepared.name}; run "
            "`dvc repro prepare`"
        )
    first = first_points(settings, earlier)
    plan = Plan.of(settings, prepared.hash, first)
    target = settings.search.trials
    if plan.most < target:
        say(
            f"the space has only {pluralise(int(plan.most), 'point')}: the search will end once "
            "all have been tried"
        )
    for line in first.skipped:
        say(f"not tried first: {line}")
    processes = count_workers(workers, target)
    name = name or plan.name
    # Without importing MLflow for a search that is done already.
    tracker = cache(open_tracker)
    if is_new(url, name) and are_records_kept():
        tracker()  # so that no search begins that could not be recorded
    with explain_full_disk(url):
        search, new = open_search(url, plan, name, target, join=True)
    start = "a new search" if new else "resuming an existing search"
    say(f"{search.study_name}: {start}, up to {target} finished trials")
    if settings.search.objective == "rate-distortion" and settings.search.pruner != "none":
        say("two objectives: no trial is pruned")
    if processes > settings.search.ahead:
        processes = settings.search.ahead
        say(
            f"using {processes} workers, because more than search.ahead = {processes} would wait; "
            "raise search.ahead to use more"
        )
    lost = "study run lost its connection to the store; run the same command again to resume"
    with exit_if_disconnected(lost), explain_full_disk(url), explain_deletion(search):
        outcome = supervise(url, search, data, processes, timeout, target, tracker)
        _summarise(outcome, url, target)
    return outcome


def remember(outcome: Outcome, url: str) -> None:
    """Let the store remember what takes long to compute, so that reading it is quick."""
    with explain_full_disk(url), explain_deletion(outcome.search):
        remember_importance(outcome.search, outcome.trials)


def _summarise(outcome: Outcome, url: str, target: int) -> None:
    """Show the best trials, where everything is stored, and what to do next."""
    search, plan = outcome.search, plan_of(outcome.search)
    if outcome.ran == 0 and not outcome.stopped:
        say(f"nothing to do: the search has {outcome.finished} finished trials")
    best = ranked_trials(outcome.trials, plan)
    show_best(best[:5], plan.search.objective)
    for trial in outcome.trials:
        if trial.has_failed:
            say(f"trial {trial.number} failed: {trial.reason}")
    exhausted = is_exhausted(outcome.trials, plan.most)
    if exhausted and outcome.finished < target and not outcome.stopped:
        say(
            f"the space is exhausted: each of its {pluralise(int(plan.most), 'point')} has been "
            f"tried, so the search ends with {pluralise(outcome.finished, 'trial')}; declare more "
            "in search.space to go on"
        )
    if outcome.stopped:
        say(
            f"{outcome.stopped}: {outcome.finished} of {target} trials have finished; run the same "
            "command again to resume"
        )
    storage, first_of_all = how_to_reach(url)
    storage += f" --name {shlex.quote(search.study_name)}"  # there may be a newer one
    study = command_to_type("study")
    rows = {"records": where_recorded(search.user_attrs.get(PARENT, ""))}
    if first_of_all:
        rows["first"] = first_of_all
    if best:
        first = best[0].number
        tables = "writes trials.csv, best.json and importance.csv"
        if replaces_another(search, Path("results")):
            rows["tables"] = f"{study} export{storage} {elsewhere(search)}    {tables} there"
        else:
            rows["tables"] = f"{study} export{storage}    {tables} into results/"
            shown = "shows them next to the grid in reports/index.html"
            rows["report"] = f"{study} report    {shown}"
        retrains = "retrains the best with new seeds"
        rows["confirm"] = f"{study} rerun {first} --seeds 5{storage}    {retrains}"
    print_rows(rows)


def how_to_reach(url: str) -> tuple[str, str]:
    """Return the option with which a command uses the same store, and what to type before it.

    A password belongs into the environment, since every user of the machine can read command lines.
    """
    if url == (os.environ.get(STORAGE_VARIABLE) or DEFAULT_URL):
        return "", ""
    shown = without_password(url)
    if shown == url:
        return f" --storage {shlex.quote(url)}", ""
    return "", f"export {STORAGE_VARIABLE}='{shown}'    with the password in place of ***"
