# The journal of the service, one JSON object a line. Ends when standard input does: journalctl itself would
# only notice a listener that is gone when the next line comes.
# logs.sh UNIT follow|once LINES|all SINCE-EPOCH|- CURSOR|-
UNIT=$1 MODE=$2 COUNT=$3 SINCE=$4 CURSOR=$5
set -- -u "$UNIT" -o json --no-pager -q -a
if [ "$CURSOR" != - ]; then
    set -- "$@" --after-cursor="$CURSOR" --no-tail
else
    [ "$SINCE" = - ] || set -- "$@" --since="@$SINCE"
    [ "$COUNT" = all ] && set -- "$@" --no-tail || set -- "$@" -n "$COUNT"
fi
[ "$MODE" = once ] || set -- "$@" -f
exec 3<&0
journalctl "$@" < /dev/null 3<&- &
journal=$!
{
    while read -r line; do :; done
    kill "$journal"
} <&3 > /dev/null 2>&1 &
listener=$!
exec 3<&-
wait "$journal"
status=$?
kill "$listener" 2> /dev/null
exit "$status"
