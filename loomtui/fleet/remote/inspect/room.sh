# What could make room on this node's disk: what other runs kept, and the old databases. What has another name elsewhere
# (a hard link) frees nothing, so it is not counted.
# room.sh WORKDIR NAME-PATTERN...
# Prints `kept`: bytes, files and the run; `old`: bytes, files and the database; with blanks between.
WORKDIR=$1
shift

# add_up BLOCKS...: sets $bytes and $files from what find prints as %b, which are 512 bytes each.
add_up() {
    bytes=0 files=$#
    for blocks; do bytes=$((bytes + blocks * 512)); done
}

for run in "$WORKDIR/.loomtui/runs"/*; do
    [ -d "$run" ] && [ ! -L "$run" ] || continue
    case ${run##*/} in *[!A-Za-z0-9-]*) continue ;; esac
    # One that holds the node is at work.
    ! grep -qF -e "\"run\": \"${run##*/}\"" -e "\"run\": \"${run##*/}/" "$WORKDIR/.loomtui/lock" 2>/dev/null || continue
    # shellcheck disable=SC2046 # numbers
    add_up $(find "$run" -xdev -type f -links 1 -printf '%b\n' 2>/dev/null)
    say kept "$bytes $files ${run##*/}"
done
cd "$WORKDIR" || fail "cannot enter $WORKDIR"
for pattern; do
    for name in $pattern; do # a pattern of ours: it holds no blanks
        is_own_database "$name" || continue
        # shellcheck disable=SC2046 # numbers; files may go while a node works
        add_up $(database_files "$name" -links 1 -printf '%b\n' 2>/dev/null)
        say old "$bytes $files $name"
    done
done
