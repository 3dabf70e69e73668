"""A plan for reading: what stops it first, then what it would do, node by node."""

from __future__ import annotations

from loomtui.cli.output import diff, moment, plural, say, size
from loomtui.restore.plan import Archive, FileAction, FileChoice, NodePlan, Plan, Scope, SigningChoice

_ACTIONS = {
    FileAction.RESTORE: "from the backup",
    FileAction.KEEP: "the node's own stays",
    FileAction.SET_ASIDE: "set aside, nothing takes its place",
}


def show_plan(plan: Plan) -> None:
    _show_head(plan)
    _show_verdict(plan)
    for node in plan.nodes:
        say()
        _show_node(node)
    say()
    _show_end(plan)


def _show_head(plan: Plan) -> None:
    mark = " (PRODUCTION)" if plan.production else ""
    say(f"Plan {plan.id} for {plan.cluster}{mark}", bold=True)
    scope = (
        "the whole cluster is set back"
        if plan.scope is Scope.CLUSTER
        else "some nodes of a chain that lives on"
    )
    say(f"  {plural(len(plan.nodes), 'node')}: {scope}")
    if plan.left_out:
        say(f"  not touched: {', '.join(plan.left_out)}")
    say(
        f"  data is unpacked {'while the services run' if plan.stage_first else 'after the services stopped'}"
    )


def _show_verdict(plan: Plan) -> None:
    forecast = plan.prediction
    say()
    say(forecast.sentence, colour="green" if forecast.moves else "red", bold=True)
    if forecast.total_power:
        power = f"{forecast.signing_power:,} of {forecast.total_power:,}"
        say(f"  voting power that can sign the next block: {power}")
    if forecast.stuck:
        say(f"  cannot sign it: {', '.join(forecast.stuck)}")
    if forecast.remedy:
        say(f"  {forecast.remedy}")
    for warning in plan.warnings:
        say(f"warning: {warning}", colour="yellow")
    for refusal in plan.refusals:
        say(f"refused: {refusal}", colour="red", bold=True)


def _show_node(node: NodePlan) -> None:
    say(f"{node.name}  ({node.working_directory}, {node.unit_path}, user {node.user})", bold=True)
    for label, archive in (("data", node.data), ("config", node.config)):
        if archive is not None:
            _show_archive(label, archive)
    for choice in node.files:
        _show_file(choice)
    _show_signing(node.signing)
    say(f"  node ID after it    {node.node_id or 'unknown'}")
    for warning in node.warnings:
        say(f"  warning: {warning}", colour="yellow")


def _show_archive(label: str, archive: Archive) -> None:
    items = ", ".join(item.target for item in archive.items)
    say(f"  {label:<8} {archive.key}")
    say(f"           taken {moment(archive.taken_at)}, {size(archive.size_bytes)}")
    say(f"           SHA-256 {archive.sha256}")
    if label == "data":
        say(f"           puts in place: {items}")


def _show_file(choice: FileChoice) -> None:
    same = "" if choice.changes or choice.action is FileAction.KEEP else " (the same bytes are there already)"
    say(f"  {choice.target}: {_ACTIONS[choice.action]}{same}. {choice.reason}")
    if choice.diff:
        diff(choice.diff)


def _show_signing(signing: SigningChoice) -> None:
    heights = " → ".join(
        "none" if at is None else f"{at:,}" for at in (signing.found_height, signing.result_height)
    )
    colour = "yellow" if signing.action.value in ("reset", "raise") else ""
    say(
        f"  signing state: {signing.action.value}, last signed height {heights}. {signing.reason}",
        colour=colour,
    )


def _show_end(plan: Plan) -> None:
    if plan.refusals:
        say("This plan must not be run as it is. Nothing was changed.")
    else:
        say("Nothing was changed. To run it: loomtui restore --plan PLAN; with --yes without screens.")
