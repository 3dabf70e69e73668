# Gives old databases up for good, so that there is room for the new ones: all that a run itself deletes of a node, and
# only what its plan names. It deletes files that LevelDB makes, in a database's own folder; what else lies there stays.
# Refuses while the unit could run, and once the new databases are unpacked. Can be called again after any interruption.
# give_up.sh WORKDIR RUN UNIT HOLD-FILE NAME...
# Leaves in data.given_up, before the first file goes: when (UTC), and the names, a line each.
WORKDIR=$1 RUN=$2 UNIT=$3 HOLD=$4
run_folder=$WORKDIR/.loomtui/runs/$RUN
own_lock "$WORKDIR" "$RUN"
held_and_stopped "$WORKDIR" "$RUN" "$UNIT" "$HOLD"
if [ -f "$run_folder/data.staged" ] || [ -f "$run_folder/data.names" ]; then
    fail "the new databases are unpacked already: nothing has to be given up"
fi
shift 4
[ $# -gt 0 ] || fail "no database is named"
for name; do
    names_database "$name" && { ! is_there "$WORKDIR/$name" || is_own_database "$name"; } ||
        fail "$name is no database of this node's own, so it is not given up"
done
if [ ! -f "$run_folder/data.given_up" ]; then
    { date -u +%Y-%m-%dT%H:%M:%SZ && printf '%s\n' "$@"; } >"$run_folder/data.given_up.new" &&
        keep "$run_folder/data.given_up.new" "$run_folder/data.given_up" || fail "cannot write in $run_folder"
fi
# Nobody takes a database without CURRENT for one: what is left of it after an interruption misleads nobody.
for name; do
    rm -f "$WORKDIR/$name/CURRENT" || fail "cannot delete $name/CURRENT"
done
sync_folder "$WORKDIR"
for name; do
    [ -d "$WORKDIR/$name" ] || continue
    database_files "$name" -exec rm -f -- {} + || fail "cannot delete the files of $name"
    rmdir "$WORKDIR/$name" 2>/dev/null || : # something else lies there
done
sync_folder "$WORKDIR"
