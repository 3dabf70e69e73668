# The journal of the service, one JSON object a line. Ends when standard input does: journalctl itself would
# only notice a listener that is gone when the next line comes.
# With follow only entries of the present boot come (systemd 251 and later).
# logs.sh UNIT follow|once LINES|all SINCE-EPOCH|- CURSOR|-      CURSOR: that entry, where it is there, and later ones
UNIT=$1 MODE=$2 COUNT=$3 SINCE=$4 CURSOR=$5
set -- -u "$UNIT" -o json --no-pager -q -a
if [ "$CURSOR" != - ]; then
    set -- "$@" --cursor="$CURSOR" --no-tail # --after-cursor loses an entry where the cursor's own is not shown
else
    [ "$SINCE" = - ] || set -- "$@" --since="@$SINCE"
    [ "$COUNT" = all ] && set -- "$@" --no-tail || set -- "$@" -n "$COUNT"
fi
[ "$MODE" = once ] || set -- "$@" -f
exec 3<&0
journalctl "$@" </dev/null 3<&- &
journal=$!
{
    while read -r _; do :; done
    kill "$journal"
} <&3 >/dev/null 2>&1 &
listener=$!
exec 3<&-
wait "$journal"
status=$?
kill "$listener" 2>/dev/null
exit "$status"
