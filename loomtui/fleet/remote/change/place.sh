# Puts what was unpacked under the names that it has on a node, with owner and modes, and checks it: as many files
# and bytes as the plan says, complete databases, and all of it on the disk.
# place.sh WORKDIR RUN SET USER GROUP FILES BYTES (MEMBER TARGET)...
W=$1 RUN=$2 SET=$3 USER=$4 GROUP=$5 FILES=$6 BYTES=$7
R=$W/.loomtui/runs/$RUN
S=$R/stage/$SET
own_lock "$W" "$RUN"
umask 077
[ ! -f "$R/$SET.staged" ] || exit 0
shift 7
mkdir -p "$S" || die "cannot write in $R"
while [ $# -ge 2 ]; do
    from=$R/raw/$SET/$1 to=$S/$2
    shift 2
    if [ -e "$from" ]; then
        mkdir -p "${to%/*}" && rm -rf "$to" && mv "$from" "$to" || die "cannot place ${to##*/}"
    fi
    [ -e "$to" ] || die "the archive did not hold ${to#"$S"/}"
done
odd=$(find "$S" ! -type f ! -type d | head -n 3)
[ -z "$odd" ] || die "links or devices among what was unpacked: $odd"
without=$(find "$S" -type f \( -name 'MANIFEST-[0-9]*' -o -name '[0-9]*[0-9].ldb' -o -name '[0-9]*[0-9].sst' \) |
    sed 's|/[^/]*$||' | sort -u | while IFS= read -r folder; do [ -f "$folder/CURRENT" ] || printf '%s ' "$folder"; done)
[ -z "$without" ] || die "a torn database: it has no CURRENT: $without"
torn=$(find "$S" -name CURRENT -type f -exec sh -c '
    for current; do
        manifest=$(head -c 200 "$current")
        [ -n "$manifest" ] && [ -f "${current%/*}/$manifest" ] || printf "%s " "$current"
    done' sh {} +)
[ -z "$torn" ] || die "a torn database: its CURRENT names a MANIFEST that is not there: $torn"
files=0 bytes=0
for size in $(find "$S" -type f -exec stat -c %s {} +); do
    files=$((files + 1)) bytes=$((bytes + size))
done
[ "$files $bytes" = "$FILES $BYTES" ] ||
    die "$files files with $bytes bytes were unpacked, the archive lists $FILES with $BYTES"
find "$S" -type d -exec chmod 755 {} + && find "$S" -type f -exec chmod 644 {} + || die "cannot set modes"
for private in "$S/chaindata" "$S/chaindata/config" "$S/chaindata/data"; do
    [ ! -d "$private" ] || chmod 700 "$private"
done
for key in "$S/chaindata/config/node_key.json" "$S/chaindata/config/priv_validator.json"; do
    [ ! -f "$key" ] || chmod 600 "$key"
done
chown -R "$USER:$GROUP" "$S" || die "cannot give the files to $USER:$GROUP"
odd=$(find "$S" ! -user "$USER" -o ! -group "$GROUP" | head -n 3)
[ -z "$odd" ] || die "the file system does not keep the owner: $odd"
sync -f "$S" 2>/dev/null || sync
mark "$R/$SET.staged"
