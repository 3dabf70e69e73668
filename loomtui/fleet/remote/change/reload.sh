# Makes systemd read its unit files again.
# reload.sh WORKDIR RUN
own_lock "$1" "$2"
systemctl daemon-reload || die "systemctl daemon-reload failed"
