# Puts the kept file back, with its owner, mode and time; a file that was not there is taken away again.
# unreplace.sh WORKDIR RUN UNIT HOLD-FILE SLOT
WORKDIR=$1 RUN=$2 UNIT=$3 HOLD=$4 SLOT=$5
run_folder=$WORKDIR/.loomtui/runs/$RUN
slot_folder=$run_folder/replaced/files/$SLOT
own_lock "$WORKDIR" "$RUN"
[ -f "$slot_folder/was" ] || exit 0
TARGET=$(cat "$slot_folder/target")
held_and_stopped "$WORKDIR" "$RUN" "$UNIT" "$HOLD"

# number FILE NAME: prints the whole number of that name in a file of JSON.
number() {
    tr -d ' \t\r\n' <"$1" | sed -n 's/.*"'"$2"'":"\{0,1\}\([0-9]\{1,18\}\)[",}].*/\1/p'
}

# address FILE: prints the validator's address in it.
address() {
    tr -d ' \t\r\n' <"$1" | sed -n 's/.*"address":"\([0-9A-Fa-f]*\)".*/\1/p'
}

# signed_more FILE FILE: the first holds the later signing state: height, then round, then step.
signed_more() {
    for name in last_height last_round last_step; do
        first=$(number "$1" $name) second=$(number "$2" $name)
        [ "${first:-0}" -le "${second:-0}" ] || return 0
        [ "${first:-0}" -eq "${second:-0}" ] || return 1
    done
    return 1
}

# look_of FILE: prints its mode, owner and time.
look_of() {
    stat -c '%a %u %g %y' "$1"
}

# undone: ends the script, with what the replacement left behind cleared away.
undone() {
    [ ! -d "${TARGET%/*}" ] || rm -f "${TARGET%/*}/.loomtui-new" # of a replacement that was interrupted
    sort -r "$slot_folder/made" | while IFS= read -r folder; do rmdir "$folder" 2>/dev/null || :; done
    mv -f "$slot_folder/was" "$slot_folder/was.undone" || fail "cannot write in $slot_folder"
    exit 0
}

if [ "$SLOT" = validator ] && [ -f "$slot_folder/file" ] && [ -f "$TARGET" ] &&
    [ "$(address "$slot_folder/file")" = "$(address "$TARGET")" ] && signed_more "$TARGET" "$slot_folder/file"; then
    # The node signed more since than it had when the file was kept: putting it back could sign twice.
    say kept "$(number "$TARGET" last_height)"
    undone
fi
if grep -qx had "$slot_folder/was"; then
    if [ ! -f "$TARGET" ] || ! cmp -s "$slot_folder/file" "$TARGET" ||
        [ "$(look_of "$slot_folder/file")" != "$(look_of "$TARGET")" ]; then
        [ ! -e "$TARGET" ] || cp -p "$TARGET" "$slot_folder/undone" || fail "cannot keep a copy of $TARGET"
        fresh=${TARGET%/*}/.loomtui-new
        cp -p "$slot_folder/file" "$fresh" && keep "$fresh" "$TARGET" || fail "cannot put $TARGET back"
    fi
elif grep -qx absent "$slot_folder/was" && [ -e "$TARGET" ]; then
    mv -f "$TARGET" "$slot_folder/undone" || fail "cannot take $TARGET away"
fi
undone
