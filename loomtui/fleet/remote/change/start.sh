# Starts the unit.
# start.sh WORKDIR RUN UNIT
WORKDIR=$1 RUN=$2 UNIT=$3
own_lock "$WORKDIR" "$RUN"
systemctl reset-failed "$UNIT" 2>/dev/null || :
systemctl start "$UNIT" || fail "systemctl start $UNIT failed"
