# Puts the kept file back, with its owner, mode and time; a file that was not there is taken away again.
# unreplace.sh WORKDIR RUN UNIT HOLD-FILE SLOT TARGET
W=$1 RUN=$2 UNIT=$3 HOLD=$4 SLOT=$5 TARGET=$6
R=$W/.loomtui/runs/$RUN
K=$R/replaced/files/$SLOT
own_lock "$W" "$RUN"
[ -f "$K/was" ] || exit 0
held_and_stopped "$W" "$RUN" "$UNIT" "$HOLD"
umask 077
if grep -qx had "$K/was"; then
    if ! cmp -s "$K/file" "$TARGET"; then
        if [ -e "$TARGET" ]; then cp -p "$TARGET" "$K/undone"; fi
        T=${TARGET%/*}/.loomtui-new
        cp -p "$K/file" "$T" && keep "$T" "$TARGET" || die "cannot put $TARGET back"
    fi
elif [ -e "$TARGET" ]; then
    mv -f "$TARGET" "$K/undone" || die "cannot take $TARGET away"
fi
sort -r "$K/made" | while IFS= read -r folder; do rmdir "$folder" 2>/dev/null || :; done
mv -f "$K/was" "$K/was.undone"
