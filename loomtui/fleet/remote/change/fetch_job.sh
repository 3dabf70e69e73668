# The job that fetch.sh starts. RUNFOLDER SET COMPRESSION SHA256 MEMBER...
# Leaves in job/SET: pid, then `message` and `rc` (0: all unpacked in raw/SET and as the plan says; 2: the archive
# is another one; 1: anything else).
set -u
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH
umask 077
R=$1 SET=$2 COMPRESSION=$3 SHA=$4
shift 4
J=$R/job/$SET RAW=$R/raw/$SET
echo $$ >"$J/pid"
finish() {
    rm -f "$J/url" "$J/curlrc" "$J/sum.pipe"
    printf '%s\n' "$2" >"$J/message"
    printf '%s\n' "$1" >"$J/rc.new" && mv -f "$J/rc.new" "$J/rc"
    exit 0 # told by `rc`: systemd would keep a failed unit until the next boot
}
status_of() { cat "$J/$1.rc" 2>/dev/null || echo 1; }
have() { command -v "$1" >/dev/null 2>&1; }
cause() { # NAME -> what it complained of first, without what a URL is signed with
    grep . "$J/$1.err" | head -n 1 | sed 's/?[^ ]*//' | grep . || echo "status $(status_of "$1")"
}

fetch() {
    if have curl; then
        exec <"$J/curlrc"
        rm -f "$J/curlrc" "$J/url"
        curl -q --silent --show-error --fail --location --connect-timeout 20 --speed-limit 1 --speed-time 60 \
            --config - 2>"$J/fetch.err"
    else
        exec <"$J/url"
        rm -f "$J/curlrc" "$J/url"
        wget --quiet --no-config --tries=1 --timeout=60 --header="If-Match: \"$(cat "$J/etag")\"" \
            --input-file=- --output-document=- 2>"$J/fetch.err"
    fi
    echo $? >"$J/fetch.rc"
}
unpack() {
    case $COMPRESSION in
    bzip2) if have lbzip2; then lbzip2 -dc; else bzip2 -dc; fi ;;
    gzip) if have pigz; then pigz -dc; else gzip -dc; fi ;;
    xz) xz -dc ;;
    zstd) zstd -dcq ;;
    none) cat ;;
    *) echo "unknown compression" >&2; false ;;
    esac 2>"$J/unpack.err"
    echo $? >"$J/unpack.rc"
    cat >/dev/null # so that the download is not blamed for what is wrong in the archive
}

[ ! -e "$RAW" ] || mv "$RAW" "$R/raw/.$SET.$$" || finish 1 "cannot set aside an earlier try"
rm -rf "$R/raw/.$SET".*
rm -f "$J/sum.pipe" "$J"/*.rc
mkdir -p "$RAW" && mkfifo "$J/sum.pipe" || finish 1 "cannot write in $R"
sha256sum <"$J/sum.pipe" >"$J/sha256" &
summer=$!
fetch | tee "$J/sum.pipe" | unpack | {
    # The member names come from the checked listing; links, owners and devices are not taken over.
    tar -x -f - -C "$RAW" --no-same-owner --no-overwrite-dir -- "$@" 2>"$J/tar.err"
    echo $? >"$J/tar.rc"
    cat >/dev/null
}
wait "$summer"
[ "$(status_of fetch)" = 0 ] || finish 1 "the download failed: $(cause fetch)"
[ "$(status_of unpack)" = 0 ] || finish 1 "decompressing failed: $(cause unpack)"
[ "$(status_of tar)" = 0 ] || finish 1 "unpacking failed: $(cause tar)"
[ "$(cut -d' ' -f1 "$J/sha256")" = "$SHA" ] || finish 2 "the archive is not the one of the plan: other SHA-256"
sync -f "$RAW" 2>/dev/null || sync
finish 0 done
