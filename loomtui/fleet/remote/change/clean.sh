# Frees what a finished run kept: the one place where something is deleted, and only when the operator asks.
# clean.sh WORKDIR RUN
W=$1 RUN=$2
R=$W/.loomtui/runs/$RUN
if grep -qF "\"run\": \"$RUN\"" "$W/.loomtui/lock" 2>/dev/null; then
    die "this run still holds the node; finish it or roll it back first" 73
fi
if [ -f "$R/staging" ]; then
    { read -r folder && read -r kept; } <"$R/staging" || die "cannot read $R/staging"
    case $kept in
    /*".loomtui-$RUN") [ ! -d "$kept" ] || rm -rf "$kept" || die "cannot remove $kept" ;;
    esac
fi
before=$(du -sk "$R" 2>/dev/null | cut -f1)
rm -rf "$R" || die "cannot remove $R"
rmdir "$W/.loomtui/runs" "$W/.loomtui" 2>/dev/null || :
say freed "$((${before:-0} * 1024))"
