# Frees what a finished run kept, and only when the operator asks.
# clean.sh WORKDIR RUN
WORKDIR=$1 RUN=$2
run_folder=$WORKDIR/.loomtui/runs/$RUN
if holds_run "$WORKDIR" "$RUN"; then
    fail "this run still holds the node; finish it or roll it back first" 73
fi
if [ -f "$run_folder/staging" ]; then
    { read -r _ && read -r kept; } <"$run_folder/staging" || fail "cannot read $run_folder/staging"
    case $kept in
        /*".loomtui-$RUN") [ ! -d "$kept" ] || rm -rf "$kept" || fail "cannot remove $kept" ;;
    esac
fi
before=$(du -sk "$run_folder" 2>/dev/null | cut -f 1)
# What says that a run was taken over stays, a few bytes: a loomtui that was cut off before may still wake up.
for kept in "$run_folder"/*; do
    case $kept in */taken.*) ;; *) rm -rf "$kept" || fail "cannot remove $kept" ;; esac
done
rmdir "$run_folder" 2>/dev/null || :
rmdir "$WORKDIR/.loomtui/runs" "$WORKDIR/.loomtui" 2>/dev/null || :
say freed "$((${before:-0} * 1024))"
