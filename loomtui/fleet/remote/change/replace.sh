# Puts one file in its place, atomically, and keeps what was there. Can be called again after an interruption.
# Where the place is a symbolic link, the file that it leads to is replaced, and the link stays.
# SOURCE is relative to the run's folder; `-` takes the file away; `=` only notes what is there.
# Without USER the new file gets the owner of the old one.
# replace.sh WORKDIR RUN UNIT HOLD-FILE SLOT SOURCE TARGET MODE USER GROUP
WORKDIR=$1 RUN=$2 UNIT=$3 HOLD=$4 SLOT=$5 SOURCE=$6 TARGET=$7 MODE=$8 USER=$9 OWNER=$9:${10}
run_folder=$WORKDIR/.loomtui/runs/$RUN
slot_folder=$run_folder/replaced/files/$SLOT
own_lock "$WORKDIR" "$RUN"
held_and_stopped "$WORKDIR" "$RUN" "$UNIT" "$HOLD"
case $TARGET in /?*) ;; *) fail "$TARGET is no place for a file" ;; esac
look_at_file "$TARGET" "$USER"
[ -z "$fault" ] || [ "$SOURCE" = = ] || fail "$TARGET is left alone: $at is at fault ($fault)"
[ -z "$fault" ] || real=$TARGET
[ -n "$USER" ] || OWNER=$(stat -c %u:%g "$real" 2>/dev/null || echo "$(id -u):$(id -g)")
mkdir -p "$slot_folder" || fail "cannot write in $run_folder"

# note NAME TEXT: keeps it in the folder of this file's slot.
note() {
    printf '%s' "$2" >"$slot_folder/$1.new" && keep "$slot_folder/$1.new" "$slot_folder/$1" ||
        fail "cannot write in $slot_folder"
}

if [ ! -f "$slot_folder/was" ]; then
    made='' folder=${real%/*}
    while [ -n "$folder" ] && [ ! -d "$folder" ]; do
        made="$folder$newline$made"
        folder=${folder%/*}
    done
    note target "$TARGET$newline"
    note real "$real$newline"
    note made "$made"
    if [ -L "$TARGET" ]; then
        rm -f "$slot_folder/link" && cp -P -p "$TARGET" "$slot_folder/link" || fail "cannot keep a copy of $TARGET"
    fi
    if [ -n "$fault" ]; then
        was=odd # a folder, say: this run writes nothing there, and puts nothing back
    elif [ -e "$real" ]; then
        was=had
        cp -p "$real" "$slot_folder/file.new" && keep "$slot_folder/file.new" "$slot_folder/file" ||
            fail "cannot keep a copy of $TARGET"
    else
        was=absent
    fi
    note was "$was$newline"
fi
[ "$(cat "$slot_folder/target")" = "$TARGET" ] || fail "another file than $TARGET was kept in the place for it"
case $SOURCE in
    =) exit 0 ;;
    -)
        [ ! -e "$real" ] || mv -f "$real" "$slot_folder/taken" || fail "cannot take $TARGET away"
        exit 0
        ;;
esac
[ "$(cat "$slot_folder/real" 2>/dev/null || echo "$TARGET")" = "$real" ] || fail "$TARGET leads elsewhere since it was kept"
[ -f "$run_folder/$SOURCE" ] || fail "$SOURCE is not staged"
while IFS= read -r folder; do
    [ -d "$folder" ] || { mkdir "$folder" && chmod 700 "$folder" && chown "$OWNER" "$folder"; } ||
        fail "cannot make $folder"
done <"$slot_folder/made"
fresh=${real%/*}/.loomtui-new
# A link of that name, whoever made it, would be followed.
rm -f "$fresh" && cp "$run_folder/$SOURCE" "$fresh" && chmod "$MODE" "$fresh" && chown "$OWNER" "$fresh" &&
    keep "$fresh" "$real" || fail "cannot write $TARGET"
