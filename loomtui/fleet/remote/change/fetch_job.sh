# The job that fetch.sh starts.
# fetch_job.sh RUN-FOLDER SET COMPRESSION SHA256 SIZE LIMIT MEMBER...
# Fetches an archive of SIZE bytes and unpacks it into raw/SET while it arrives. SHA256 `-`: nobody has read the archive
# yet. LIMIT: that many bytes may be unpacked at most; 0: as many as there is room for.
# Leaves in job/SET: pid, `sha256` of what came, then `message` and `rc`: 0 all is unpacked, and is what the plan says;
# 2 the archive is another one; 3 this node does not reach S3; 4 what came cannot be decompressed; 5 no room is left;
# 6 what came cannot be unpacked; 1 anything else. If S3 refused the download, its HTTP status is in `http`.
# shellcheck disable=SC2034 # what comes before this file reads it
run_folder=$1 SET=$2 COMPRESSION=$3 SHA256=$4 SIZE=$5 LIMIT=$6
shift 6
job_folder=$run_folder/job/$SET raw_folder=$run_folder/raw/$SET
HAS_END=yes
BEGIN_ANEW=3 # how often, when a part of the pipeline was killed
printf '%s\n' "$$" >"$job_folder/pid"

# fetch: the archive to descriptors 7 and 8.
fetch() {
    stream archive 0 "$((SIZE - 1))" "$SIZE"
    ended=$?
    [ "$ended" = 0 ] || note_first stream "$ended"
}

# unpack_once MEMBER...: all of the archive, once through.
unpack_once() {
    rm -f "$job_folder/first" "$job_folder/sha256"
    {
        { fetch 8>&1 >&7; } | digest 7>&- >"$job_folder/sha256"
    } 7>&1 | unpack "$COMPRESSION" | extract "$@"
}

# give_up PART STATUS: ends the job for what ended the pipeline.
give_up() {
    case $1/$2 in
        stream/1)
            cp "$job_folder/archive.http" "$job_folder/http"
            if [ -s "$job_folder/http" ] || [ "$(cat "$job_folder/archive.fetched")" != 0 ]; then
                finish 1 "the download failed: $(words_of "$job_folder/archive.trouble" 1)"
            fi
            finish 3 "the node does not reach S3: $(words_of "$job_folder/archive.trouble" 1)"
            ;;
        stream/*) finish 1 "the download ended: who reads it has ended" ;;
        unpack/*) finish 4 "decompressing failed: $(words_of "$job_folder/unpack.err" "$2")" ;;
        tar/*) finish 6 "unpacking failed: $(words_of "$job_folder/tar.err" "$2")" ;;
        room/*) finish 5 "only $2 KiB are left free on the disk: unpacking was ended" ;;
        inodes/*) finish 5 "only $2 more files can be made on the disk: unpacking was ended" ;;
        limit/*) finish 5 "more than $2 bytes were unpacked, and there is no room for more" ;;
    esac
}

case $SIZE$LIMIT in '' | *[!0-9]*) finish 1 "no sizes: $SIZE, $LIMIT" ;; esac
take_url
find_low_rights
find_digester
tries=$BEGIN_ANEW
while :; do
    make_raw_folder || finish 1 "cannot write in $run_folder"
    [ -n "${watchers:-}" ] || watch_over "$LIMIT"
    unpack_once "$@"
    [ -e "$job_folder/first" ] || break
    read -r part ended <"$job_folder/first"
    tries=$((tries - 1))
    was_killed "$part" "$ended" && [ "$tries" -gt 0 ] || give_up "$part" "$ended"
    echo "$part was killed" >>"$job_folder/anew"
done
[ "$SHA256" = - ] || [ "$(cut -d ' ' -f 1 "$job_folder/sha256")" = "$SHA256" ] ||
    finish 2 "the archive is not the one of the plan: other SHA-256"
sync_folder "$raw_folder"
finish 0 'done'
