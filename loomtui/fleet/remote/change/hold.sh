# Keeps systemd from starting the unit: by hand, by Restart=, by a timer, at boot. Notes first how it was.
# It also keeps systemd from killing what does not stop in time: that is the operator's to decide.
# hold.sh WORKDIR RUN UNIT HOLD-FILE
W=$1 RUN=$2 UNIT=$3 HOLD=$4
R=$W/.loomtui/runs/$RUN D=${4%/*}
umask 077
own_lock "$W" "$RUN"
if [ ! -f "$R/was" ]; then
    state=$(systemctl show "$UNIT" -p ActiveState) || die "systemctl show $UNIT failed"
    folder=had; [ -d "$D" ] || folder=absent
    printf 'active=%s\nfolder=%s\n' "${state#*=}" "$folder" >"$R/was.new" && keep "$R/was.new" "$R/was" ||
        die "cannot write in $R"
fi
[ -d "$D" ] || mkdir -p -m 755 "$D" || die "cannot write $D"
printf '# held by loomtui run %s: a restore is not finished\n[Unit]\nAssertPathExists=!/\n[Service]\nSendSIGKILL=no\n' "$RUN" >"$D/.loomtui-new" &&
    chmod 644 "$D/.loomtui-new" && keep "$D/.loomtui-new" "$HOLD" || die "cannot write $HOLD"
systemctl daemon-reload || die "systemctl daemon-reload failed"
