# Moves every database of the old state away and the staged ones in, by rename only. Can be called again after
# any interruption. Refuses while the unit could run.
# swap.sh WORKDIR RUN UNIT HOLD-FILE USER GROUP NAME-PATTERN...
W=$1 RUN=$2 UNIT=$3 HOLD=$4 OWNER=$5:$6
R=$W/.loomtui/runs/$RUN
S=$R/stage/data O=$R/replaced/data
own_lock "$W" "$RUN"
held_and_stopped "$W" "$RUN" "$UNIT" "$HOLD"
[ -f "$R/data.staged" ] || die "nothing is staged"
[ ! -f "$R/data.swapped" ] || exit 0
umask 077
shift 6
cd "$W" || die "cannot enter $W"
if [ ! -f "$R/data.names" ]; then
    # Noted before the first rename: an interrupted swap knows which names are old and which are new.
    names=$(
        for pattern in "$@"; do
            expand "$pattern" | sed 's/^/old /'
            (cd "$S" && expand "$pattern") | sed 's/^/new /'
        done
        [ -d "$W/chaindata" ] || echo 'made chaindata'
    )
    printf '%s\n' "$names" >"$R/data.names.new" && keep "$R/data.names.new" "$R/data.names" ||
        die "cannot write in $R"
fi
if [ ! -f "$R/data.away" ]; then
    sed -n 's/^old //p' "$R/data.names" | while IFS= read -r name; do
        ! is_there "$O/$name" || continue
        kept=$O/$name
        mkdir -p "${kept%/*}" && mv "$W/$name" "$kept" || die "cannot move $name away"
    done || exit 1
    sync -f "$W" 2>/dev/null || sync
    mark "$R/data.away"
fi
if [ ! -d "$W/chaindata" ]; then
    mkdir "$W/chaindata" && chmod 700 "$W/chaindata" && chown "$OWNER" "$W/chaindata" || die "cannot make chaindata"
fi
sed -n 's/^new //p' "$R/data.names" | while IFS= read -r name; do
    is_there "$S/$name" || continue
    ! is_there "$W/$name" || die "$name appeared again while its place was empty: something writes in $W"
    mv "$S/$name" "$W/$name" || die "cannot put $name in its place"
done || exit 1
sync -f "$W" 2>/dev/null || sync
mark "$R/data.swapped"
