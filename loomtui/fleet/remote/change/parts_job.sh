# The job that fetch_parts.sh starts.
# parts_job.sh RUN-FOLDER SET AT-ONCE
# Reads in job/SET: `urls`, a line for each part; `pieces`, a line for each: NUMBER URL FIRST LAST SIZE SHA256 FROM COUNT
# NAME, which are the line in `urls`, the bytes that are wanted and the size of the part, SHA-256 of these bytes (`-`: only
# of the files), which lines of `sums` are its files, and how it is called; `sums`, as sha256sum prints it; `folders`. So
# many pieces are fetched at once. Leaves done.NUMBER with the bytes of each piece that is unpacked and compared, and
# `rc` as fetch_job.sh does; of its own: 7 a part or a file is not what the manifest says.
# shellcheck disable=SC2034 # what comes before this file reads it
run_folder=$1 SET=$2 AT_ONCE=$3
job_folder=$run_folder/job/$SET raw_folder=$run_folder/raw/$SET
main_folder=$job_folder
BEGIN_ANEW=3 # how often, when something of a piece's pipeline was killed
FRESH_URLS=0 # whoever starts this job again brings new ones
printf '%s\n' "$$" >"$job_folder/pid"

# fail_job STATUS MESSAGE: the first failure is the job's.
fail_job() {
    (set -C && printf '%s %s\n' "$1" "$2" >"$main_folder/failed") 2>/dev/null || :
}

# fetch: the bytes of a piece to descriptors 7 and 8.
fetch() {
    stream part "$first" "$last" "$size"
    ended=$?
    [ "$ended" = 0 ] || note_first stream "$ended"
}

# unpack_piece FILE...
unpack_piece() {
    rm -f "$job_folder/first"
    {
        { fetch 8>&1 >&7; } | digest 7>&- >"$job_folder/sha256"
    } 7>&1 | unpack zstd | extract "$@"
}

# give_up PART STATUS: fails the job for what ended a piece's pipeline.
give_up() {
    case $1/$2 in
        stream/1)
            cp "$job_folder/part.http" "$main_folder/http"
            if [ -s "$main_folder/http" ] || [ "$(cat "$job_folder/part.fetched")" != 0 ]; then
                fail_job 1 "the download of $piece failed: $(words_of "$job_folder/part.trouble" 1)"
            else
                fail_job 3 "the node does not reach S3: $(words_of "$job_folder/part.trouble" 1)"
            fi
            ;;
        stream/*) fail_job 1 "the download of $piece ended: who reads it has ended" ;;
        unpack/*) fail_job 7 "$piece cannot be decompressed: $(words_of "$job_folder/unpack.err" "$2")" ;;
        *) fail_job 7 "$piece cannot be unpacked: $(words_of "$job_folder/tar.err" "$2")" ;;
    esac
}

# compare: whether all files of a piece are there, and are those of the manifest.
compare() {
    while IFS= read -r line; do
        name=$raw_folder/${line#*"  "}
        if [ ! -f "$name" ] || [ -L "$name" ]; then
            fail_job 7 "$piece does not hold ${line#*"  "} as a file"
            return 1
        fi
    done <"$job_folder/sums"
    other=$(others "$raw_folder" "$job_folder/sums" | head -n 1)
    [ -z "$other" ] || {
        fail_job 7 "$piece: not what the manifest says: $other"
        return 1
    }
}

# fetch_piece NUMBER URL FIRST LAST SIZE SHA256 FROM COUNT NAME
fetch_piece() {
    number=$1 first=$3 last=$4 size=$5 sha256=$6 piece=$9
    job_folder=$main_folder/piece.$1
    url=$(printf '%s\n' "$urls" | sed -n "$2p") etag=''
    mkdir "$job_folder" && tail -n "+$7" "$main_folder/sums" | head -n "$8" >"$job_folder/sums" || {
        fail_job 1 "cannot write in $main_folder"
        return
    }
    set --
    while IFS= read -r line; do set -- "$@" "${line#*"  "}"; done <"$job_folder/sums"
    tries=$BEGIN_ANEW
    while
        unpack_piece "$@"
        [ -e "$job_folder/first" ]
    do
        read -r part ended <"$job_folder/first"
        tries=$((tries - 1))
        if [ -e "$main_folder/first" ] || [ -e "$main_folder/failed" ]; then return; fi
        was_killed "$part" "$ended" && [ "$tries" -gt 0 ] || {
            give_up "$part" "$ended"
            return
        }
        echo "$part was killed" >>"$main_folder/anew"
    done
    [ "$sha256" = - ] || [ "$(cut -d ' ' -f 1 "$job_folder/sha256")" = "$sha256" ] || {
        fail_job 7 "$piece is not what the manifest says: other SHA-256"
        return
    }
    compare || return
    printf '%s\n' "$((last - first + 1))" >"$main_folder/done.$number" && rm -rf "$job_folder"
}

# work: pieces that nobody else has taken, one after the other.
work() {
    while read -r number rest; do
        [ ! -e "$main_folder/first" ] && [ ! -e "$main_folder/failed" ] || return
        [ ! -e "$main_folder/done.$number" ] && mkdir "$main_folder/claim.$number" 2>/dev/null || continue
        # shellcheck disable=SC2086 # words of ours, not one
        (fetch_piece "$number" $rest </dev/null)
    done <"$main_folder/pieces"
}

case $AT_ONCE in '' | *[!0-9]*) finish 1 "no number: $AT_ONCE" ;; esac
urls=$(cat "$job_folder/urls")
rm -f "$job_folder/urls"
find_low_rights
find_digester
if [ -e "$job_folder/begins" ]; then
    make_raw_folder || finish 1 "cannot write in $run_folder"
    rm -f "$job_folder/begins"
fi
while IFS= read -r folder; do
    # shellcheck disable=SC2086 # words, not one
    (cd "$raw_folder" && $low mkdir -p -- "$folder") || finish 1 "cannot make $folder"
done <"$job_folder/folders"
watch_over 0
workers=
while [ "$AT_ONCE" -gt 0 ]; do
    AT_ONCE=$((AT_ONCE - 1))
    work &
    workers="$workers $!"
done
# shellcheck disable=SC2086 # numbers
wait $workers
if [ -e "$job_folder/first" ]; then
    read -r part ended <"$job_folder/first"
    case $part in
        room) finish 5 "only $ended KiB are left free on the disk: unpacking was ended" ;;
        *) finish 5 "only $ended more files can be made on the disk: unpacking was ended" ;;
    esac
fi
if [ -e "$job_folder/failed" ]; then
    read -r ended message <"$job_folder/failed"
    finish "$ended" "$message"
fi
sync_folder "$raw_folder"
finish 0 'done'
