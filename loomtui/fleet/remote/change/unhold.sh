# Lets the unit start again. The folder of the hold goes too, when the hold had made it.
# unhold.sh WORKDIR RUN UNIT HOLD-FILE
W=$1 RUN=$2 UNIT=$3 HOLD=$4
R=$W/.loomtui/runs/$RUN
own_lock "$W" "$RUN"
if [ -f "$HOLD" ]; then
    grep -qF "run $RUN:" "$HOLD" || die "$HOLD was not placed by this run"
    cp "$HOLD" "$R/hold.conf" && rm -f "$HOLD" || die "cannot remove $HOLD"
fi
[ ! -d "${HOLD%/*}" ] || rm -f "${HOLD%/*}/.loomtui-new" # of a hold that was interrupted
if grep -qx folder=absent "$R/was" 2>/dev/null && [ -d "${HOLD%/*}" ]; then
    rmdir "${HOLD%/*}" 2>/dev/null || :
fi
systemctl daemon-reload || die "systemctl daemon-reload failed"
