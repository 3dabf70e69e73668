# Frees what a finished run kept: the one place where something is deleted, and only when the operator asks.
# clean.sh WORKDIR RUN
WORKDIR=$1 RUN=$2
run_folder=$WORKDIR/.loomtui/runs/$RUN
if holds_lock "$WORKDIR" "$RUN"; then
    fail "this run still holds the node; finish it or roll it back first" 73
fi
if [ -f "$run_folder/staging" ]; then
    { read -r _ && read -r kept; } <"$run_folder/staging" || fail "cannot read $run_folder/staging"
    case $kept in
        /*".loomtui-$RUN") [ ! -d "$kept" ] || rm -rf "$kept" || fail "cannot remove $kept" ;;
    esac
fi
before=$(du -sk "$run_folder" 2>/dev/null | cut -f 1)
rm -rf "$run_folder" || fail "cannot remove $run_folder"
rmdir "$WORKDIR/.loomtui/runs" "$WORKDIR/.loomtui" 2>/dev/null || :
say freed "$((${before:-0} * 1024))"
