# Makes systemd read its unit files again; with UNIT only if it says that it holds another text of it than the disk.
# reload.sh WORKDIR RUN [UNIT]
WORKDIR=$1 RUN=$2 UNIT=${3:-}
own_lock "$WORKDIR" "$RUN"
if [ -n "$UNIT" ] && load_unit "$UNIT" NeedDaemonReload; then
    property NeedDaemonReload
    [ "$value" != no ] || exit 0
fi
systemctl daemon-reload || fail "systemctl daemon-reload failed"
