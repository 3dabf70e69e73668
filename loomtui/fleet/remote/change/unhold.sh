# Lets the unit start again. The folder of the hold goes too, when the hold had made it.
# unhold.sh WORKDIR RUN UNIT HOLD-FILE
WORKDIR=$1 RUN=$2 HOLD=$4
run_folder=$WORKDIR/.loomtui/runs/$RUN
own_lock "$WORKDIR" "$RUN"
if [ -f "$HOLD" ]; then
    holds_unit "$RUN" "$HOLD" || fail "$HOLD was not placed by this run"
    cp "$HOLD" "$run_folder/hold.conf" && rm -f "$HOLD" || fail "cannot remove $HOLD"
fi
[ ! -d "${HOLD%/*}" ] || rm -f "${HOLD%/*}/.loomtui-new" # of a hold that was interrupted
if grep -qx folder=absent "$run_folder/was" 2>/dev/null && [ -d "${HOLD%/*}" ]; then
    rmdir "${HOLD%/*}" 2>/dev/null || :
fi
systemctl daemon-reload || fail "systemctl daemon-reload failed"
