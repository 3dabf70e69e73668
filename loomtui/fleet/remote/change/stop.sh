# Stops the unit and waits until it is a stop: inactive, no main process, nobody has the databases open.
# stop.sh WORKDIR RUN UNIT SECONDS                     status 75: still running when the time was over
W=$1 RUN=$2 UNIT=$3 LEFT=$4
own_lock "$W" "$RUN"
systemctl stop --no-block "$UNIT" || die "systemctl stop $UNIT failed"
while :; do
    holders=$(database_users "$W")
    if [ "$(unit_state "$UNIT")" = stopped ] && [ -z "$holders" ]; then
        exit 0
    fi
    [ "$LEFT" -gt 0 ] || break
    LEFT=$((LEFT - 1))
    sleep 1
done
say state "$(systemctl show "$UNIT" -p ActiveState -p MainPID | tr '\n' ' ')"
say holders "$holders"
exit 75
