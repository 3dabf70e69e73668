# Puts one file in its place, atomically, and keeps what was there. Can be called again after an interruption.
# SOURCE is relative to the run's folder; `-` takes the file away; `=` only notes what is there.
# Without USER the new file gets the owner of the old one.
# replace.sh WORKDIR RUN UNIT HOLD-FILE SLOT SOURCE TARGET MODE USER GROUP
W=$1 RUN=$2 UNIT=$3 HOLD=$4 SLOT=$5 SOURCE=$6 TARGET=$7 MODE=$8 OWNER=$9:${10}
[ -n "$9" ] || OWNER=$(stat -c %u:%g "$TARGET" 2>/dev/null || echo "$(id -u):$(id -g)")
R=$W/.loomtui/runs/$RUN
K=$R/replaced/files/$SLOT
own_lock "$W" "$RUN"
held_and_stopped "$W" "$RUN" "$UNIT" "$HOLD"
case $TARGET in /?*) ;; *) die "$TARGET is no place for a file" ;; esac
[ ! -L "$TARGET" ] || [ "$SOURCE" = = ] || die "$TARGET is a symbolic link; it is left alone"
umask 077
mkdir -p "$K" || die "cannot write in $R"
note() { # NAME TEXT
    printf '%s' "$2" >"$K/$1.new" && keep "$K/$1.new" "$K/$1" || die "cannot write in $K"
}
if [ ! -f "$K/was" ]; then
    made= folder=${TARGET%/*}
    while [ -n "$folder" ] && [ ! -d "$folder" ]; do
        made="$folder$newline$made"
        folder=${folder%/*}
    done
    note target "$TARGET$newline"
    note made "$made"
    if [ -L "$TARGET" ]; then
        was=link
    elif [ -e "$TARGET" ]; then
        was=had
        cp -p "$TARGET" "$K/file.new" && keep "$K/file.new" "$K/file" || die "cannot keep a copy of $TARGET"
    else
        was=absent
    fi
    note was "$was$newline"
fi
[ "$(cat "$K/target")" = "$TARGET" ] || die "another file than $TARGET was kept in the place for it"
case $SOURCE in
=) exit 0 ;;
-)
    [ ! -e "$TARGET" ] || mv -f "$TARGET" "$K/taken" || die "cannot take $TARGET away"
    exit 0
    ;;
esac
[ -f "$R/$SOURCE" ] || die "$SOURCE is not staged"
while IFS= read -r folder; do
    [ -d "$folder" ] || { mkdir "$folder" && chmod 700 "$folder" && chown "$OWNER" "$folder"; } ||
        die "cannot make $folder"
done <"$K/made"
T=${TARGET%/*}/.loomtui-new
cp "$R/$SOURCE" "$T" && chmod "$MODE" "$T" && chown "$OWNER" "$T" && keep "$T" "$TARGET" ||
    die "cannot write $TARGET"
