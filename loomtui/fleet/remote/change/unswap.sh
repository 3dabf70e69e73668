# Puts the old databases back; the restored ones go back into the run's folder. Can be called again.
# unswap.sh WORKDIR RUN UNIT HOLD-FILE NAME-PATTERN...
WORKDIR=$1 RUN=$2 UNIT=$3 HOLD=$4
run_folder=$WORKDIR/.loomtui/runs/$RUN
stage=$run_folder/stage/data replaced=$run_folder/replaced/data
own_lock "$WORKDIR" "$RUN"
[ -f "$run_folder/data.names" ] || exit 0
held_and_stopped "$WORKDIR" "$RUN" "$UNIT" "$HOLD"
shift 4
if [ -f "$run_folder/data.away" ]; then
    # From here on everything under a known name in the working directory is of the new state, until it is noted otherwise.
    if [ ! -f "$run_folder/data.taken" ]; then
        cd "$WORKDIR" || fail "cannot enter $WORKDIR"
        for pattern in "$@"; do
            expand "$pattern" | while IFS= read -r name; do
                kept=$run_folder/undone/data/$name
                mkdir -p "${kept%/*}" && mv "$WORKDIR/$name" "$kept" ||
                    fail "cannot take $name out"
            done || exit 1
        done
        mark "$run_folder/data.taken"
    fi
fi
sed -n 's/^old //p' "$run_folder/data.names" | while IFS= read -r name; do
    is_there "$replaced/$name" || continue
    ! is_there "$WORKDIR/$name" || fail "$name is in the way of its old self"
    mv "$replaced/$name" "$WORKDIR/$name" || fail "cannot put $name back"
done || exit 1
if grep -qx 'made chaindata' "$run_folder/data.names" && [ -d "$WORKDIR/chaindata" ]; then
    rmdir "$WORKDIR/chaindata" 2>/dev/null || :
fi
if [ -d "$run_folder/undone/data" ]; then
    sed -n 's/^new //p' "$run_folder/data.names" | while IFS= read -r name; do
        if is_there "$run_folder/undone/data/$name" && ! is_there "$stage/$name"; then
            kept=$stage/$name
            mkdir -p "${kept%/*}" && mv "$run_folder/undone/data/$name" "$kept" || fail "cannot keep $name"
        fi
    done || exit 1
fi
sync_folder "$WORKDIR"
for note in data.swapped data.away data.taken data.names; do rm -f "$run_folder/$note"; done
