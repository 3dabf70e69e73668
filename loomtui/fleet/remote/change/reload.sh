# Makes systemd read its unit files again.
# reload.sh WORKDIR RUN
WORKDIR=$1 RUN=$2
own_lock "$WORKDIR" "$RUN"
systemctl daemon-reload || fail "systemctl daemon-reload failed"
