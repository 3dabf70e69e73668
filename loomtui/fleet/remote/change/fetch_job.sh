# The job that fetch.sh starts.
# fetch_job.sh RUN-FOLDER SET COMPRESSION SHA256 MEMBER...
# Leaves in job/SET: pid, then `message` and `rc` (0: all unpacked in raw/SET and as the plan says; 2: the archive
# is another one; 1: anything else). If S3 refused the download, its HTTP status is in `http`.
run_folder=$1 SET=$2 COMPRESSION=$3 SHA256=$4
shift 4
job_folder=$run_folder/job/$SET raw_folder=$run_folder/raw/$SET
printf '%s\n' "$$" >"$job_folder/pid"

# finish STATUS MESSAGE: ends the job. A presigned URL goes, and whoever looks is told how it ended.
finish() {
    rm -f "$job_folder/url" "$job_folder/curlrc" "$job_folder/wget.err" "$job_folder/sum.pipe"
    printf '%s\n' "$2" >"$job_folder/message"
    printf '%s\n' "$1" >"$job_folder/rc.new" && mv -f "$job_folder/rc.new" "$job_folder/rc"
    exit 0 # told by `rc`: systemd would keep a failed unit until the next boot
}

# status_of NAME: prints how a part of the pipeline ended.
status_of() {
    cat "$job_folder/$1.rc" 2>/dev/null || echo 1
}

# cause NAME: prints what it complained of first, without what a URL is signed with.
cause() {
    grep . "$job_folder/$1.err" | head -n 1 | sed 's/?[^ ]*//' | grep . || echo "status $(status_of "$1")"
}

# fetch: the archive to standard output.
fetch() {
    if have curl; then
        exec <"$job_folder/curlrc"
        rm -f "$job_folder/curlrc" "$job_folder/url"
        curl -q --silent --show-error --fail --location --connect-timeout 20 --speed-limit 1 --speed-time 60 \
            --config - 2>"$job_folder/fetch.err"
    else
        exec <"$job_folder/url"
        rm -f "$job_folder/curlrc" "$job_folder/url"
        etag=$(cat "$job_folder/etag")
        set --
        [ -z "$etag" ] || set -- "--header=If-Match: \"$etag\""
        # It says the status of an answer only beside the URL, which is a secret.
        LC_ALL=C wget --no-verbose --no-config --tries=1 --timeout=60 "$@" \
            --input-file=- --output-document=- 2>"$job_folder/wget.err"
    fi
    echo $? >"$job_folder/fetch.rc"
    [ ! -f "$job_folder/wget.err" ] || sed '/^http/d; s/?[^ ]*//' "$job_folder/wget.err" >"$job_folder/fetch.err"
    rm -f "$job_folder/wget.err"
    refusal='s/.*[Ee][Rr][Rr][Oo][Rr]:* \([45][0-9][0-9]\).*/\1/p' # of curl and wget alike
    sed -n "$refusal" "$job_folder/fetch.err" | head -n 1 >"$job_folder/http"
}

# unpack: standard input, decompressed, to standard output.
unpack() {
    case $COMPRESSION in
        bzip2) if have lbzip2; then lbzip2 -dc; else bzip2 -dc; fi ;;
        gzip) if have pigz; then pigz -dc; else gzip -dc; fi ;;
        xz) xz -dc ;;
        zstd) zstd -dcq ;;
        none) cat ;;
        *)
            echo "unknown compression" >&2
            false
            ;;
    esac 2>"$job_folder/unpack.err"
    echo $? >"$job_folder/unpack.rc"
    cat >/dev/null # so that the download is not blamed for what is wrong in the archive
}

[ ! -e "$raw_folder" ] || mv "$raw_folder" "$run_folder/raw/.$SET.$$" || finish 1 "cannot set aside an earlier try"
rm -rf "$run_folder/raw/.$SET".*
rm -f "$job_folder/sum.pipe" "$job_folder"/*.rc
mkdir -p "$raw_folder" && mkfifo "$job_folder/sum.pipe" || finish 1 "cannot write in $run_folder"
sha256sum <"$job_folder/sum.pipe" >"$job_folder/sha256" &
summer=$!
fetch | tee "$job_folder/sum.pipe" | unpack | {
    # The member names come from the checked listing; links, owners and devices are not taken over.
    tar -x -f - -C "$raw_folder" --no-same-owner --no-overwrite-dir -- "$@" 2>"$job_folder/tar.err"
    echo $? >"$job_folder/tar.rc"
    cat >/dev/null
}

wait "$summer"
[ "$(status_of fetch)" = 0 ] || finish 1 "the download failed: $(cause fetch)"
[ "$(status_of unpack)" = 0 ] || finish 1 "decompressing failed: $(cause unpack)"
[ "$(status_of tar)" = 0 ] || finish 1 "unpacking failed: $(cause tar)"
[ "$(cut -d ' ' -f 1 "$job_folder/sha256")" = "$SHA256" ] ||
    finish 2 "the archive is not the one of the plan: other SHA-256"
sync_folder "$raw_folder"
finish 0 'done'
