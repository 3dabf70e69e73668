# Moves every database of the old state away and the staged ones in, by rename only. Can be called again after
# any interruption. Refuses while the unit could run.
# swap.sh WORKDIR RUN UNIT HOLD-FILE USER GROUP NAME-PATTERN...
WORKDIR=$1 RUN=$2 UNIT=$3 HOLD=$4 OWNER=$5:$6
run_folder=$WORKDIR/.loomtui/runs/$RUN
stage=$run_folder/stage/data replaced=$run_folder/replaced/data
own_lock "$WORKDIR" "$RUN"
held_and_stopped "$WORKDIR" "$RUN" "$UNIT" "$HOLD"
[ -f "$run_folder/data.staged" ] || fail "nothing is staged"
[ ! -f "$run_folder/data.swapped" ] || exit 0
shift 6
cd "$WORKDIR" || fail "cannot enter $WORKDIR"
if [ ! -f "$run_folder/data.names" ]; then
    # Noted before the first rename: an interrupted swap knows which names are old and which are new.
    names=$(
        for pattern in "$@"; do
            expand "$pattern" | sed 's/^/old /'
            (cd "$stage" && expand "$pattern") | sed 's/^/new /'
        done
        [ -d "$WORKDIR/chaindata" ] || echo 'made chaindata'
    )
    printf '%s\n' "$names" >"$run_folder/data.names.new" &&
        keep "$run_folder/data.names.new" "$run_folder/data.names" ||
        fail "cannot write in $run_folder"
fi
if [ ! -f "$run_folder/data.away" ]; then
    sed -n 's/^old //p' "$run_folder/data.names" | while IFS= read -r name; do
        ! is_there "$replaced/$name" || continue
        kept=$replaced/$name
        mkdir -p "${kept%/*}" && mv "$WORKDIR/$name" "$kept" || fail "cannot move $name away"
    done || exit 1
    sync_folder "$WORKDIR"
    mark "$run_folder/data.away"
fi
if [ ! -d "$WORKDIR/chaindata" ]; then
    mkdir "$WORKDIR/chaindata" && chmod 700 "$WORKDIR/chaindata" && chown "$OWNER" "$WORKDIR/chaindata" ||
        fail "cannot make chaindata"
fi
sed -n 's/^new //p' "$run_folder/data.names" | while IFS= read -r name; do
    is_there "$stage/$name" || continue
    ! is_there "$WORKDIR/$name" || fail "$name appeared again while its place was empty: something writes in $WORKDIR"
    mv "$stage/$name" "$WORKDIR/$name" || fail "cannot put $name in its place"
done || exit 1
sync_folder "$WORKDIR"
mark "$run_folder/data.swapped"
