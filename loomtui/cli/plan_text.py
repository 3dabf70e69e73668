"""A plan for reading. It says first what forbids the plan, then what the plan would do, node by node."""

from __future__ import annotations

from pathlib import Path

from loomtui.cli.output import diff, say
from loomtui.loom.databases import VALIDATOR, name_of
from loomtui.restore.findings import FindingCode
from loomtui.restore.plan import (
    Archive,
    FileChoice,
    NodePlan,
    Plan,
    RemedyKind,
    SigningAction,
    SigningChoice,
    passed_over_words,
)
from loomtui.restore.planning.command_line import plan_command
from loomtui.wording.quantities import count, joined, size, time_of
from loomtui.wording.states import FILE_ACTIONS, POLICIES, SCOPES, prepared_words, production_mark


def show_plan(plan: Plan, inventory: Path | None = None) -> None:
    _show_head(plan)
    _show_forecast(plan, inventory)
    _show_unknowns(plan, inventory)
    _show_chain(plan)
    _show_doubts(plan)
    _show_backup_jobs(plan)
    for key in dict.fromkeys(node.data.key for node in plan.nodes if node.data is not None):
        _show_data(plan, key)
    for node in plan.nodes:
        say()
        _show_node(node)
    say()
    _show_end(plan, inventory)


def _show_head(plan: Plan) -> None:
    mark = f" ({production_mark(True)})" if plan.production else ""
    say(f"Plan {plan.id} for {plan.cluster}{mark}", bold=True)
    say(f"  {count(len(plan.nodes), 'node')}: {SCOPES[plan.scope]}")
    if plan.left_out:
        say(f"  not touched: {', '.join(plan.left_out)}")
    early = plan.stage_first or not plan.is_complete
    say(f"  data is unpacked {'while the services run' if early else 'after the services stopped'}")


def _show_forecast(plan: Plan, inventory: Path | None) -> None:
    forecast = plan.prediction
    say()
    open_colour = "red" if plan.refusals or plan.is_complete else "yellow"
    say(forecast.sentence, colour="green" if forecast.moves else open_colour, bold=True)
    if forecast.total_power:
        power = f"{forecast.signing_power:,} of {forecast.total_power:,}"
        say(f"  voting power that can sign the next block: {power}")
    if forecast.stuck:
        say(f"  cannot sign it: {', '.join(forecast.stuck)}")
    if forecast.remedy:
        say(f"  {forecast.remedy}")
    if plan.offer is RemedyKind.RESET:
        say(f"  To do so: {plan_command(plan, offer=plan.offer, inventory=inventory)}")


def _show_unknowns(plan: Plan, inventory: Path | None) -> None:
    """What the nodes will tell, and that nothing is stopped before they did."""
    if plan.is_complete:
        return
    say("not known yet, and told by the nodes before anything is stopped:", colour="yellow")
    for unknown in plan.unknowns:
        say(f"  {unknown.sentence}", colour="yellow")
    say(f"  To know it now, read here: {plan_command(plan, look=True, inventory=inventory)}")


def _show_chain(plan: Plan) -> None:
    if plan.chain is not None:
        for evidence in plan.chain.evidence:
            say(f"  by {evidence}")


def _show_doubts(plan: Plan) -> None:
    for words in passed_over_words(plan):
        say(f"newer, but passed over: {words}", colour="yellow")
    for warning in plan.warnings:
        if warning.code is not FindingCode.PASSED_OVER:
            say(f"warning: {warning.text}", colour="yellow")
    for refusal in plan.refusals:
        if refusal.code is not FindingCode.CHAIN_STANDS:  # the forecast says it already
            say(f"refused: {refusal.text}", colour="red", bold=True)


def _show_backup_jobs(plan: Plan) -> None:
    """What is done about backup jobs. The warnings name the jobs themselves."""
    if any(node.backup_jobs for node in plan.nodes):
        say(f"backup.sh: {POLICIES[plan.backup_policy]} (--backup-jobs wait, stop or leave)")


def _show_data(plan: Plan, key: str) -> None:
    takers = [node for node in plan.nodes if node.data is not None and node.data.key == key]
    archive = takers[0].data
    if archive is None:
        return
    say()
    say(f"data for {', '.join(node.name for node in takers)}", bold=True)
    about = "" if archive.is_known else "about "
    say(f"  {_describe_archive(archive)}, unpacked {about}{size(archive.unpacked_bytes)}")
    if archive.is_known:
        say(f"  SHA-256 {archive.sha256}")
        if archive.manifest is not None:
            words = prepared_words(archive.manifest, has_twin=archive.has_twin)
            say(f"  {words}: so its manifest says what is in it, and the nodes compare what they unpack")
        say(f"  puts in place: {', '.join(item.target for item in archive.items)}")
    else:
        say("  nobody has read it: every node must get the same SHA-256, and what is in it is told then")


def _describe_archive(archive: Archive) -> str:
    doubt = "" if archive.taken_by.sure else " (not sure)"
    return f"{archive.key}, taken {time_of(archive.taken_at)}{doubt}, {size(archive.size_bytes)}"


def _show_node(node: NodePlan) -> None:
    say(f"{node.name}  {node.working_directory}, user {node.user}, unit {node.unit_path}", bold=True)
    if node.gives_up is not None:
        names, freed = joined(node.gives_up.names, 20), size(node.gives_up.bytes)
        say(f"  gives up its old databases after the stop: {names} ({freed}). No way back", colour="red")
    if node.taken_over_bytes:
        say(f"  seems to have {size(node.taken_over_bytes)} of the data already, which needs no room")
    if node.config is not None:
        say(f"  config from {_describe_archive(node.config)}")
    files = [choice for choice in node.files if choice.target != VALIDATOR]  # its own line says more
    for choice in files:
        if choice.changes:
            _show_change(choice)
    same = [name_of(choice.target) for choice in files if not choice.changes]
    if same:
        say(f"  stay as they are: {', '.join(same)}")
    if node.staging is not None:
        say(f"  {node.staging}: set aside, or the next backup would hold the files from before the restore")
    for entry in node.external_addresses:
        lost = "yellow" if entry.reached is False else ""
        tried = f": {entry.tried}" if entry.tried else ""
        say(f"  names another machine: {entry.field} of {entry.file}, {entry.address}{tried}", colour=lost)
    if node.unit_change is not None:
        say(f"  its unit: the peers are corrected in {node.unit_change.path}", colour="yellow")
        diff(node.unit_change.diff)
    _show_signing(node.signing)
    say(f"  node ID after it: {node.node_id or 'unknown'}")
    for warning in node.warnings:
        say(f"  warning: {warning}", colour="yellow")


def _show_change(choice: FileChoice) -> None:
    action = FILE_ACTIONS[choice.action] if choice.text is None else "the chain's own"
    say(f"  {name_of(choice.target)}: {action}. {choice.reason}")
    if choice.diff:
        diff(choice.diff)


def _show_signing(signing: SigningChoice) -> None:
    before, after = (
        "none" if at is None else f"{at:,}" for at in (signing.found_height, signing.result_height)
    )
    heights = before if before == after else f"{before} → {after}"
    lowered = "yellow" if signing.action in {SigningAction.RESET, SigningAction.RAISE} else ""
    text = f"  signing state: {signing.action.value}, last signed height {heights}. {signing.reason}"
    say(text, colour=lowered)


def _show_end(plan: Plan, inventory: Path | None) -> None:
    if plan.refusals:
        say(f"The choices that it was made with: {plan_command(plan, inventory=inventory)}")
        say("This plan must not be run as it is. Nothing was changed.", colour="red")
        return
    say("Nothing was changed. To run it: loomtui restore --plan PLAN; with --yes without screens.")
    if not plan.is_complete:
        say("With --yes it goes on where the completed plan needs no consent that is not in this one.")
