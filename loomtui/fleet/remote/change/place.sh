# Puts what was unpacked under the names that it has on a node, with owner and modes, and checks it: as many files
# and bytes as the plan says, complete databases, and all of it on the disk.
# place.sh WORKDIR RUN SET USER GROUP FILES BYTES (MEMBER TARGET)...
WORKDIR=$1 RUN=$2 SET=$3 USER=$4 GROUP=$5 FILES=$6 BYTES=$7
run_folder=$WORKDIR/.loomtui/runs/$RUN
stage=$run_folder/stage/$SET raw_folder=$run_folder/raw/$SET
own_lock "$WORKDIR" "$RUN"
[ ! -f "$run_folder/$SET.staged" ] || exit 0
shift 7

# see_no_links PATH: an archive that nobody has read may hold a link for a folder. What it leads to is not of the archive.
see_no_links() {
    way=$1
    while [ "$way" != "$raw_folder" ]; do
        case $way in "$raw_folder"/*) ;; *) break ;; esac
        [ ! -L "$way" ] || fail "a link on the way to ${1#"$raw_folder"/}"
        way=${way%/*}
    done
}

mkdir -p "$stage" || fail "cannot write in $run_folder"
while [ $# -ge 2 ]; do
    from=$raw_folder/$1 to=$stage/$2
    shift 2
    see_no_links "$from"
    if [ -e "$from" ]; then
        mkdir -p "${to%/*}" && rm -rf "$to" && mv "$from" "$to" || fail "cannot place ${to##*/}"
    fi
    [ -e "$to" ] || fail "the archive did not hold ${to#"$stage"/}"
done
odd=$(find "$stage" ! -type f ! -type d | head -n 3)
[ -z "$odd" ] || fail "links or devices among what was unpacked: $odd"
without=$(find "$stage" -type f \( -name 'MANIFEST-[0-9]*' -o -name '[0-9]*[0-9].ldb' -o -name '[0-9]*[0-9].sst' \) |
    sed 's|/[^/]*$||' | sort -u | while IFS= read -r folder; do [ -f "$folder/CURRENT" ] || printf '%s ' "$folder"; done)
[ -z "$without" ] || fail "a torn database: it has no CURRENT: $without"
torn=$(find "$stage" -name CURRENT -type f -exec sh -c '
    for current; do
        manifest=$(head -c 200 "$current")
        [ -n "$manifest" ] && [ -f "${current%/*}/$manifest" ] || printf "%s " "$current"
    done' sh {} +)
[ -z "$torn" ] || fail "a torn database: its CURRENT names a MANIFEST that is not there: $torn"
files=0 bytes=0
# shellcheck disable=SC2044 # numbers, no names
for size in $(find "$stage" -type f -exec stat -c %s {} +); do
    files=$((files + 1)) bytes=$((bytes + size))
done
[ "$files $bytes" = "$FILES $BYTES" ] ||
    fail "$files files with $bytes bytes were unpacked, the archive lists $FILES with $BYTES"
find "$stage" -type d -exec chmod 00755 {} + && find "$stage" -type f -exec chmod 644 {} + || fail "cannot set modes"
for private in "$stage/chaindata" "$stage/chaindata/config" "$stage/chaindata/data"; do
    [ ! -d "$private" ] || chmod 700 "$private"
done
for key in "$stage/chaindata/config/node_key.json" "$stage/chaindata/config/priv_validator.json"; do
    [ ! -f "$key" ] || chmod 600 "$key"
done
chown -R "$USER:$GROUP" "$stage" || fail "cannot give the files to $USER:$GROUP"
odd=$(find "$stage" ! -user "$USER" -o ! -group "$GROUP" | head -n 3)
[ -z "$odd" ] || fail "the file system does not keep the owner: $odd"
sync_folder "$stage"
mark "$run_folder/$SET.staged"
