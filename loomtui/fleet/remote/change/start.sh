# Starts the unit.
# start.sh WORKDIR RUN UNIT
W=$1 RUN=$2 UNIT=$3
own_lock "$W" "$RUN"
systemctl reset-failed "$UNIT" 2>/dev/null || :
systemctl start "$UNIT" || die "systemctl start $UNIT failed"
