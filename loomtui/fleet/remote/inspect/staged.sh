# What a run has unpacked on this node of an archive, or placed for its swap: its SHA-256, every file, and those files of
# the databases that tell whether they are whole, their heights and their chain. Keys are not among it.
# staged.sh WORKDIR RUN SET PART LIMIT
# PART: `digest`, `listing`, `heads` (CURRENT, LOG, genesis files), `manifests`, `journals`. Of a longer file the last
# LIMIT bytes are sent, from the start of a block of a journal on.
WORKDIR=$1 RUN=$2 SET=$3 PART=$4 LIMIT=$5
for name in "$RUN" "$SET"; do
    case $name in
        *[!A-Za-z0-9._-]* | '' | .*) fail "not the name of a run or set: $name" ;;
    esac
done
run_folder=$WORKDIR/.loomtui/runs/$RUN
place=raw
[ ! -f "$run_folder/$SET.staged" ] || place=stage
cd "$run_folder/$place/$SET" 2>/dev/null || fail "nothing of $SET is unpacked in $run_folder"
gz=
! have gzip || gz=.gz

# packed: standard input, smaller where this node can do that.
packed() {
    if [ -n "$gz" ]; then gzip -1 -c; else cat; fi
}

# Each file as a fact of its own: its path, NUL, its bytes. What find gives may be called anything.
# shellcheck disable=SC2016 # it is expanded by the shell that find starts
send='
kind=$1 limit=$2 gz=$3
shift 3
for file; do
    size=$(stat -c %s "$file") start=0
    [ "$size" -le "$limit" ] || start=$(((size - limit + 32767) / 32768 * 32768))
    printf "%s%s " "$kind" "$gz"
    { printf "%s\000" "${file#./}" && tail -c "+$((start + 1))" "$file"; } |
        if [ -n "$gz" ]; then gzip -1 -c; else cat; fi | base64 -w 0
    echo
done'

# shellcheck disable=SC2016 # likewise
send_named='
limit=$1 gz=$2 send=$3
shift 3
for current; do
    name=$(head -c 200 "$current" | head -n 1)
    case $name in *[!A-Za-z0-9-]*) continue ;; MANIFEST-*) ;; *) continue ;; esac
    file=${current%/*}/$name
    [ -f "$file" ] && [ ! -L "$file" ] && [ "$(stat -c %s "$file")" -le "$limit" ] || continue
    sh -c "$send" sh manifest "$limit" "$gz" "$file"
done'

case $PART in
    digest)
        say sha256 "$(head -c 64 "$run_folder/job/$SET/sha256")"
        # Folders have the size that the file system gives them.
        say tree "$(find . -mindepth 1 \( -type d -printf 'd %P\0' -o -printf '%y %s %P %l\0' \) | sort -z | sha256sum | head -c 64)"
        ;;
    listing) find . -mindepth 1 -printf '%y %s %T@ %i %P\0%l\0' | packed | emit "listing$gz" ;;
    heads)
        find . -type f -name CURRENT -size -257c -exec sh -c "$send" sh current 256 "" {} +
        find . -type f -name LOG -exec sh -c "$send" sh log "$LIMIT" "$gz" {} +
        find . -type f -name genesis.json -size -1048577c -exec sh -c "$send" sh genesis 1048576 "$gz" {} +
        ;;
    manifests) find . -type f -name CURRENT -size -257c -exec sh -c "$send_named" sh "$LIMIT" "$gz" "$send" {} + ;;
    journals)
        find . -type f -name '[0-9]*.log' \
            \( -path '*/app.db/*' -o -path '*/blockstore.db/*' -o -path '*/state.db/*' \) \
            -exec sh -c "$send" sh journal "$LIMIT" "$gz" {} +
        ;;
    *) fail "not a part of what is staged: $PART" ;;
esac
