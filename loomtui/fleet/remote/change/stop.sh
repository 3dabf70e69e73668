# Stops the unit and waits until it is a stop: inactive, no main process, none left in its control group, and
# nobody has the databases open. It is told to end; whether it is killed is decided elsewhere.
# stop.sh WORKDIR RUN UNIT SECONDS            status 75: not over when the time was, and what still runs
WORKDIR=$1 RUN=$2 UNIT=$3
own_lock "$WORKDIR" "$RUN"
systemctl stop --no-block "$UNIT" || fail "systemctl stop $UNIT failed"
deadline=$(($(date +%s) + $4))
left=
while :; do
    # Looking at all processes takes longer than Loom takes to end.
    now=$(unit_state "$UNIT")
    [ "$now" != stopped ] || left=$(left_running "$UNIT" "$WORKDIR")
    if [ "$now" = stopped ] && [ -z "$left" ]; then
        # Told to end, Loom ends with 0 or with 1: two handlers race. Then `failed` is no failure.
        grep -qx active=failed "$WORKDIR/.loomtui/runs/$RUN/was" 2>/dev/null ||
            systemctl reset-failed "$UNIT" 2>/dev/null || :
        exit 0
    fi
    [ "$(date +%s)" -lt "$deadline" ] || break
    sleep 0.1 2>/dev/null || sleep 1
done
left=$(left_running "$UNIT" "$WORKDIR")
say state "$(systemctl show "$UNIT" -p ActiveState -p SubState | cut -d = -f 2 | tr '\n' ' ')"
printf '%s\n' "$left" | while IFS= read -r process; do
    [ -z "$process" ] || say left "$process"
done
exit 75
