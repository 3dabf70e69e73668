# Keeps systemd from starting the unit: by hand, by Restart=, by a timer, at boot. Notes first how it was.
# It also keeps systemd from killing what does not stop in time: that is the operator's to decide.
# hold.sh WORKDIR RUN UNIT HOLD-FILE
WORKDIR=$1 RUN=$2 UNIT=$3 HOLD=$4
run_folder=$WORKDIR/.loomtui/runs/$RUN hold_folder=${4%/*}
own_lock "$WORKDIR" "$RUN"
if [ ! -f "$run_folder/was" ]; then
    state=$(systemctl show "$UNIT" -p ActiveState) || fail "systemctl show $UNIT failed"
    folder=had
    [ -d "$hold_folder" ] || folder=absent
    printf 'active=%s\nfolder=%s\n' "${state#*=}" "$folder" >"$run_folder/was.new" &&
        keep "$run_folder/was.new" "$run_folder/was" ||
        fail "cannot write in $run_folder"
fi
# shellcheck disable=SC2174 # the folder around it is that of the unit, and there
[ -d "$hold_folder" ] || mkdir -p -m 755 "$hold_folder" || fail "cannot write $hold_folder"
printf '# held by loomtui run %s: a restore is not finished\n[Unit]\nAssertPathExists=!/\n[Service]\nSendSIGKILL=no\n' "$RUN" \
    >"$hold_folder/.loomtui-new" &&
    chmod 644 "$hold_folder/.loomtui-new" && keep "$hold_folder/.loomtui-new" "$HOLD" || fail "cannot write $HOLD"
systemctl daemon-reload || fail "systemctl daemon-reload failed"
