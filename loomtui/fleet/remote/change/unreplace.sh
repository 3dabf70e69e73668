# Puts the kept files back, in this order, with owner, mode and time; a file that was not there is taken away again.
# unreplace.sh WORKDIR RUN UNIT HOLD-FILE SLOT...
WORKDIR=$1 RUN=$2 UNIT=$3 HOLD=$4
slots=$WORKDIR/.loomtui/runs/$RUN/replaced/files
own_lock "$WORKDIR" "$RUN"
shift 4
for SLOT; do
    shift
    [ ! -f "$slots/$SLOT/was" ] || set -- "$@" "$SLOT"
done
[ $# -gt 0 ] || exit 0
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

# undone: what the replacement left behind is cleared away, and nothing counts as noted any more.
undone() {
    # Of a replacement that was interrupted, also by an older loomtui.
    [ ! -d "${REAL%/*}" ] || rm -f "${REAL%/*}/.loomtui-new" "${REAL%/*}/.loomtui-new-$SLOT"
    sort -r "$slot_folder/made" | while IFS= read -r folder; do rmdir "$folder" 2>/dev/null || :; done
    mv -f "$slot_folder/was" "$slot_folder/was.undone" || fail "cannot write in $slot_folder"
}

# put_back SLOT
put_back() {
    slot_folder=$slots/$1
    TARGET=$(cat "$slot_folder/target")
    REAL=$(cat "$slot_folder/real" 2>/dev/null) || REAL=$TARGET # what TARGET led to, where it was a link
    if [ "$SLOT" = validator ] && [ -f "$slot_folder/file" ] && [ -f "$TARGET" ] &&
        [ "$(address "$slot_folder/file")" = "$(address "$TARGET")" ] && signed_more "$TARGET" "$slot_folder/file"; then
        # The node signed more since than it had when the file was kept: putting it back could sign twice.
        say kept "$(number "$TARGET" last_height)"
        undone
        return
    fi
    # A node that writes a file anew and renames it puts it where the link was.
    if [ -L "$slot_folder/link" ] && ! grep -qx odd "$slot_folder/was" &&
        [ "$(readlink "$TARGET")" != "$(readlink "$slot_folder/link")" ]; then
        if is_there "$TARGET"; then
            mv -f "$TARGET" "$slot_folder/undone.link" || fail "cannot take $TARGET away"
        fi
        cp -P -p "$slot_folder/link" "$TARGET" || fail "cannot put the link $TARGET back"
    fi
    if grep -qx had "$slot_folder/was"; then
        if [ ! -f "$REAL" ] || ! cmp -s "$slot_folder/file" "$REAL" ||
            [ "$(look_of "$slot_folder/file")" != "$(look_of "$REAL")" ]; then
            [ ! -e "$REAL" ] || cp -p "$REAL" "$slot_folder/undone" || fail "cannot keep a copy of $TARGET"
            fresh=${REAL%/*}/.loomtui-new
            rm -f "$fresh" && cp -p "$slot_folder/file" "$fresh" && keep "$fresh" "$REAL" || fail "cannot put $TARGET back"
        fi
    elif grep -qx absent "$slot_folder/was" && [ -e "$REAL" ]; then
        mv -f "$REAL" "$slot_folder/undone" || fail "cannot take $TARGET away"
    fi
    undone
}

for SLOT; do
    put_back "$SLOT"
done
