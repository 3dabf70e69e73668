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
number() { # FILE NAME -> the whole number of that name in a file of JSON
    tr -d ' \t\r\n' <"$1" | sed -n 's/.*"'"$2"'":"\{0,1\}\([0-9]\{1,18\}\)[",}].*/\1/p'
}
address() { tr -d ' \t\r\n' <"$1" | sed -n 's/.*"address":"\([0-9A-Fa-f]*\)".*/\1/p'; }
signed_more() { # FILE FILE -> whether the first holds the later signing state: height, then round, then step
    for name in last_height last_round last_step; do
        first=$(number "$1" $name) second=$(number "$2" $name)
        [ "${first:-0}" -le "${second:-0}" ] || return 0
        [ "${first:-0}" -eq "${second:-0}" ] || return 1
    done
    return 1
}
look_of() { stat -c '%a %u %g %y' "$1"; }
undone() {
    [ ! -d "${TARGET%/*}" ] || rm -f "${TARGET%/*}/.loomtui-new" # of a replacement that was interrupted
    sort -r "$K/made" | while IFS= read -r folder; do rmdir "$folder" 2>/dev/null || :; done
    mv -f "$K/was" "$K/was.undone" || die "cannot write in $K"
    exit 0
}

if [ "$SLOT" = validator ] && [ -f "$K/file" ] && [ -f "$TARGET" ] &&
    [ "$(address "$K/file")" = "$(address "$TARGET")" ] && signed_more "$TARGET" "$K/file"; then
    # The node signed more since than it had when the file was kept: putting it back could sign twice.
    say kept "$(number "$TARGET" last_height)"
    undone
fi
if grep -qx had "$K/was"; then
    if [ ! -f "$TARGET" ] || ! cmp -s "$K/file" "$TARGET" || [ "$(look_of "$K/file")" != "$(look_of "$TARGET")" ]; then
        [ ! -e "$TARGET" ] || cp -p "$TARGET" "$K/undone" || die "cannot keep a copy of $TARGET"
        T=${TARGET%/*}/.loomtui-new
        cp -p "$K/file" "$T" && keep "$T" "$TARGET" || die "cannot put $TARGET back"
    fi
elif grep -qx absent "$K/was" && [ -e "$TARGET" ]; then
    mv -f "$TARGET" "$K/undone" || die "cannot take $TARGET away"
fi
undone
