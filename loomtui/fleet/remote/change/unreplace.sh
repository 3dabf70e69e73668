# Puts the kept file back, with its owner, mode and time; a file that was not there is taken away again.
# unreplace.sh WORKDIR RUN UNIT HOLD-FILE SLOT
W=$1 RUN=$2 UNIT=$3 HOLD=$4 SLOT=$5
R=$W/.loomtui/runs/$RUN
K=$R/replaced/files/$SLOT
own_lock "$W" "$RUN"
[ -f "$K/was" ] || exit 0
TARGET=$(cat "$K/target")
held_and_stopped "$W" "$RUN" "$UNIT" "$HOLD"
umask 077
signed() { # FILE -> "ADDRESS HEIGHT", the validator and what it signed last
    one_line=$(tr -d ' \t\r\n' <"$1")
    printf '%s %s\n' "$(printf '%s' "$one_line" | sed -n 's/.*"address":"\([0-9A-F]*\)".*/\1/p')" \
        "$(printf '%s' "$one_line" | sed -n 's/.*"last_height":"\{0,1\}\([0-9]*\).*/\1/p')"
}
if [ "$SLOT" = validator ] && [ -f "$K/file" ] && [ -f "$TARGET" ]; then
    kept=$(signed "$K/file") live=$(signed "$TARGET")
    if [ "${kept% *}" = "${live% *}" ] && [ "${live#* }" -gt "${kept#* }" ] 2>/dev/null; then
        # The chain went past the old signing state since: putting it back could sign twice.
        say kept "${live#* }"
        mv -f "$K/was" "$K/was.undone"
        exit 0
    fi
fi
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
