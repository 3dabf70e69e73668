# Puts the old databases back; the restored ones go back into the run's folder. Can be called again.
# unswap.sh WORKDIR RUN UNIT HOLD-FILE NAME-PATTERN...
W=$1 RUN=$2 UNIT=$3 HOLD=$4
R=$W/.loomtui/runs/$RUN
S=$R/stage/data O=$R/replaced/data
own_lock "$W" "$RUN"
[ -f "$R/data.names" ] || exit 0
held_and_stopped "$W" "$RUN" "$UNIT" "$HOLD"
umask 077
shift 4
if [ -f "$R/data.away" ]; then
    # From here on everything under a known name in W is of the new state, until it is noted otherwise.
    if [ ! -f "$R/data.taken" ]; then
        cd "$W" || die "cannot enter $W"
        for pattern in "$@"; do
            expand "$pattern" | while IFS= read -r name; do
                kept=$R/undone/data/$name
                mkdir -p "${kept%/*}" && mv "$W/$name" "$kept" ||
                    die "cannot take $name out"
            done || exit 1
        done
        mark "$R/data.taken"
    fi
fi
sed -n 's/^old //p' "$R/data.names" | while IFS= read -r name; do
    is_there "$O/$name" || continue
    ! is_there "$W/$name" || die "$name is in the way of its old self"
    mv "$O/$name" "$W/$name" || die "cannot put $name back"
done || exit 1
if grep -qx 'made chaindata' "$R/data.names" && [ -d "$W/chaindata" ]; then
    rmdir "$W/chaindata" 2>/dev/null || :
fi
if [ -d "$R/undone/data" ]; then
    sed -n 's/^new //p' "$R/data.names" | while IFS= read -r name; do
        if is_there "$R/undone/data/$name" && ! is_there "$S/$name"; then
            kept=$S/$name
            mkdir -p "${kept%/*}" && mv "$R/undone/data/$name" "$kept" || die "cannot keep $name"
        fi
    done || exit 1
fi
sync -f "$W" 2>/dev/null || sync
for note in data.swapped data.away data.taken data.names; do rm -f "$R/$note"; done
