# Puts files in their places, each atomically, and keeps what was there. Can be called again after an interruption.
# Where a place is a symbolic link, the file that it leads to is replaced, and the link stays.
# SOURCE is relative to the run's folder; `-` takes the file away; `=` only notes what is there.
# Without USER the new file gets the owner of the old one.
# The first file is replaced when all are noted and the new ones lie beside their places, all of it on the disk.
# replace.sh WORKDIR RUN UNIT HOLD-FILE (SLOT SOURCE TARGET MODE USER GROUP)...
WORKDIR=$1 RUN=$2 UNIT=$3 HOLD=$4
run_folder=$WORKDIR/.loomtui/runs/$RUN
slots=$run_folder/replaced/files
own_lock "$WORKDIR" "$RUN"
held_and_stopped "$WORKDIR" "$RUN" "$UNIT" "$HOLD"
shift 4

# From here on each file is SLOT SOURCE TARGET REAL FAULT MODE OWNER.
left=$(($# / 6))
while [ "$left" -gt 0 ]; do
    SOURCE=$2 TARGET=$3 USER=$5 OWNER=$5:$6
    case $TARGET in /?*) ;; *) fail "$TARGET is no place for a file" ;; esac
    look_at_file "$TARGET" "$USER"
    [ -z "$fault" ] || [ "$SOURCE" = = ] || fail "$TARGET is left alone: $at is at fault ($fault)"
    [ -z "$fault" ] || real=$TARGET
    [ -n "$USER" ] || OWNER=$(stat -c %u:%g "$real" 2>/dev/null || echo "$(id -u):$(id -g)")
    set -- "$@" "$1" "$SOURCE" "$TARGET" "$real" "$fault" "$4" "$OWNER"
    shift 6
    left=$((left - 1))
done

# each FUNCTION FILE...: calls it for each of the files.
each() {
    work=$1
    shift
    while [ $# -ge 7 ]; do
        slot_folder=$slots/$1 SOURCE=$2 TARGET=$3 real=$4 fault=$5 MODE=$6 OWNER=$7
        fresh=${real%/*}/.loomtui-new-$1
        "$work"
        shift 7
    done
}

# note_all_but_was: what is there, in the folder of the file's slot. Nothing of it counts before `was` is there.
note_all_but_was() {
    [ ! -f "$slot_folder/was" ] || return 0
    made='' folder=${real%/*} was=absent
    while [ -n "$folder" ] && [ ! -d "$folder" ]; do
        made="$folder$newline$made"
        folder=${folder%/*}
    done
    if [ -n "$fault" ]; then
        was=odd # a folder, say: this run writes nothing there, and puts nothing back
    elif [ -e "$real" ]; then
        was=had
    fi
    mkdir -p "$slot_folder" && printf '%s\n' "$TARGET" >"$slot_folder/target" &&
        printf '%s\n' "$real" >"$slot_folder/real" && printf '%s' "$made" >"$slot_folder/made" &&
        printf '%s\n' "$was" >"$slot_folder/was.new" || fail "cannot write in $slot_folder"
    if [ -L "$TARGET" ]; then
        rm -f "$slot_folder/link" && cp -P -p "$TARGET" "$slot_folder/link" || fail "cannot keep a copy of $TARGET"
    fi
    [ "$was" != had ] || cp -pf "$real" "$slot_folder/file" || fail "cannot keep a copy of $TARGET"
}

# note_was: from here on the file is noted.
note_was() {
    [ -f "$slot_folder/was" ] || mv -f "$slot_folder/was.new" "$slot_folder/was" || fail "cannot write in $slot_folder"
}

# noted NAME DEFAULT: sets $value to the line that was noted.
noted() {
    value=$2
    [ ! -f "$slot_folder/$1" ] || IFS= read -r value <"$slot_folder/$1" || :
}

# lay_beside: the new file lies beside its place, with its owner and mode.
lay_beside() {
    noted target ''
    [ "$value" = "$TARGET" ] || fail "another file than $TARGET was kept in the place for it"
    case $SOURCE in = | -) return 0 ;; esac
    noted real "$TARGET"
    [ "$value" = "$real" ] || fail "$TARGET leads elsewhere since it was kept"
    [ -f "$run_folder/$SOURCE" ] || fail "$SOURCE is not staged"
    while IFS= read -r folder; do
        [ -d "$folder" ] || { mkdir "$folder" && chmod 700 "$folder" && chown "$OWNER" "$folder"; } ||
            fail "cannot make $folder"
    done <"$slot_folder/made"
    # A link of that name, whoever made it, would be followed.
    rm -f "$fresh" && cp "$run_folder/$SOURCE" "$fresh" && chmod "$MODE" "$fresh" && chown "$OWNER" "$fresh" ||
        fail "cannot write $TARGET"
    laid="$laid$newline$fresh"
}

# put_in: one rename.
put_in() {
    case $SOURCE in
        =) ;;
        -) [ ! -e "$real" ] || mv -f "$real" "$slot_folder/taken" || fail "cannot take $TARGET away" ;;
        *) mv -f "$fresh" "$real" || fail "cannot write $TARGET" ;;
    esac
}

# sync_files: the files that standard input names, one a line, are on the disk.
sync_files() {
    (
        set --
        while IFS= read -r file; do
            [ ! -f "$file" ] || set -- "$@" "$file"
        done
        [ $# = 0 ] || sync "$@" 2>/dev/null || sync
    )
}

each note_all_but_was "$@"
find "$slots" -type f | sync_files
each note_was "$@"
laid=
each lay_beside "$@"
printf '%s\n' "$laid" | sync_files
each put_in "$@"
