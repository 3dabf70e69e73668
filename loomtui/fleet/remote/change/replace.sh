# Puts one file in its place, atomically, and keeps what was there. Can be called again after an interruption.
# SOURCE is relative to the run's folder; `-` takes the file away; `=` only notes what is there.
# Without USER the new file gets the owner of the old one.
# replace.sh WORKDIR RUN UNIT HOLD-FILE SLOT SOURCE TARGET MODE USER GROUP
WORKDIR=$1 RUN=$2 UNIT=$3 HOLD=$4 SLOT=$5 SOURCE=$6 TARGET=$7 MODE=$8 OWNER=$9:${10}
[ -n "$9" ] || OWNER=$(stat -c %u:%g "$TARGET" 2>/dev/null || echo "$(id -u):$(id -g)")
run_folder=$WORKDIR/.loomtui/runs/$RUN
slot_folder=$run_folder/replaced/files/$SLOT
own_lock "$WORKDIR" "$RUN"
held_and_stopped "$WORKDIR" "$RUN" "$UNIT" "$HOLD"
case $TARGET in /?*) ;; *) fail "$TARGET is no place for a file" ;; esac
[ ! -L "$TARGET" ] || [ "$SOURCE" = = ] || fail "$TARGET is a symbolic link; it is left alone"
mkdir -p "$slot_folder" || fail "cannot write in $run_folder"

# note NAME TEXT: keeps it in the folder of this file's slot.
note() {
    printf '%s' "$2" >"$slot_folder/$1.new" && keep "$slot_folder/$1.new" "$slot_folder/$1" ||
        fail "cannot write in $slot_folder"
}

if [ ! -f "$slot_folder/was" ]; then
    made='' folder=${TARGET%/*}
    while [ -n "$folder" ] && [ ! -d "$folder" ]; do
        made="$folder$newline$made"
        folder=${folder%/*}
    done
    note target "$TARGET$newline"
    note made "$made"
    if [ -L "$TARGET" ]; then
        was='link'
    elif [ -e "$TARGET" ]; then
        was=had
        cp -p "$TARGET" "$slot_folder/file.new" && keep "$slot_folder/file.new" "$slot_folder/file" ||
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
        [ ! -e "$TARGET" ] || mv -f "$TARGET" "$slot_folder/taken" || fail "cannot take $TARGET away"
        exit 0
        ;;
esac
[ -f "$run_folder/$SOURCE" ] || fail "$SOURCE is not staged"
while IFS= read -r folder; do
    [ -d "$folder" ] || { mkdir "$folder" && chmod 700 "$folder" && chown "$OWNER" "$folder"; } ||
        fail "cannot make $folder"
done <"$slot_folder/made"
fresh=${TARGET%/*}/.loomtui-new
cp "$run_folder/$SOURCE" "$fresh" && chmod "$MODE" "$fresh" && chown "$OWNER" "$fresh" && keep "$fresh" "$TARGET" ||
    fail "cannot write $TARGET"
