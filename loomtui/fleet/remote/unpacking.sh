# How a job unpacks what comes in, so that nobody has to trust it: by an account that can do nothing else, in a folder
# that only root can enter, watched for the room that it takes. Comes after lib.sh. Who uses it sets $job_folder and
# $raw_folder, and $HAS_END if what comes in is a whole archive, not a range of one.
NOBODY=65534:65534
LEFT_OVER_KIB=65536  # what a living node needs to go on; loomtui/restore/planning/space.py has the same number
LEFT_OVER_FILES=1000 # likewise
FLUSH_SECONDS=1

# Of an archive that nobody has read the members are not known: all are unpacked, but no key and no config of its host.
without_config='--exclude=node_key.json --exclude=priv_validator.json --exclude=config.toml --exclude=addrbook.json'
without_config="$without_config --exclude=loom.yml --exclude=*.service"

# find_low_rights: sets $low to what a command is begun with, so that it can do nothing that root can.
find_low_rights() {
    low=''
    [ "$(id -u)" = 0 ] || return 0
    if setpriv --reuid="${NOBODY%:*}" --regid="${NOBODY#*:}" --clear-groups --no-new-privs true >/dev/null 2>&1; then
        low="setpriv --reuid=${NOBODY%:*} --regid=${NOBODY#*:} --clear-groups --no-new-privs"
    elif runuser -u nobody -- true >/dev/null 2>&1; then
        low='runuser -u nobody --' NOBODY=$(id -u nobody):$(id -g nobody)
    fi
}

# note_first PART STATUS: what ended a pipeline, which is whoever failed first. Each part keeps its pipes open until
# it has noted it, so that those before and behind it fail later.
note_first() {
    (set -C && printf '%s %s\n' "$1" "$2" >"$job_folder/first") 2>/dev/null || :
}

# run_part NAME COMMAND...: standard input through it, with low rights; reads the rest when it ends well.
run_part() {
    part=$1
    shift
    exec 3<&0
    # A program that only root can read is run as root. Busybox knows no --version, and ends with 1; that the trial is
    # killed, as when memory runs out, is no reason.
    # shellcheck disable=SC2086 # words, not one
    [ -z "$low" ] || $low "$1" --version >/dev/null 2>&1 </dev/null || case $? in
        1 | 129 | 1[3-9]? | 2??) ;;
        *) low='' ;;
    esac
    # shellcheck disable=SC2086 # words, not one
    $low "$@" <&3 3<&- 2>"$job_folder/$part.err" &
    printf '%s\n' "$!" >"$job_folder/$part.pid"
    wait "$!"
    ended=$?
    rm -f "$job_folder/$part.pid"
    # What was killed takes the others with it. Otherwise the rest is read: what lies behind the end of an archive
    # belongs to its checksum, and where tar stumbles, what is before it may have the reason.
    [ "$ended" -gt 128 ] || [ "$part" != tar ] && [ "$ended" != 0 ] || cat <&3 >/dev/null
    [ "$ended" = 0 ] || note_first "$part" "$ended"
}

# unpack COMPRESSION: standard input, decompressed, to standard output.
unpack() {
    case $1 in
        bzip2) if have lbzip2; then run_part unpack lbzip2 -dc; else run_part unpack bzip2 -dc; fi ;;
        gzip) if have pigz; then run_part unpack pigz -dc; else run_part unpack gzip -dc; fi ;;
        xz) run_part unpack xz -dc ;;
        zstd) run_part unpack zstd -dcq ;;
        none) cat ;;
        *)
            echo "unknown compression" >"$job_folder/unpack.err"
            note_first unpack 1
            ;;
    esac
}

# extract MEMBER...: a tar on standard input into the raw folder; all of it but the config where no member is named.
# Links, owners and devices are not taken over. An archive that was cut off between two files is whole to every tar: GNU
# tar tells with -R what it ended at, and others stumble over a byte behind what came if there is no end before it.
extract() {
    cd "$raw_folder" || {
        echo "cannot enter $raw_folder" >"$job_folder/tar.err"
        note_first tar 1
        return
    }
    if [ $# = 0 ]; then
        # shellcheck disable=SC2086 # words, not one
        set -f && set -- $without_config && set +f
    else
        set -- -- "$@"
    fi
    if tar --no-overwrite-dir --version >/dev/null 2>&1; then
        set -- -x -R -f - --no-same-owner --no-same-permissions --no-overwrite-dir "$@"
        run_part tar tar "$@" >"$job_folder/tar.out"
        if [ -n "${HAS_END:-}" ] && grep -q 'End of File' "$job_folder/tar.out"; then
            echo "it was cut off between two files: there is no mark of its end" >"$job_folder/tar.err"
            note_first tar 2
        fi
    else
        # Busybox, which may know no --exclude: then it says so, and no key is unpacked.
        {
            cat
            [ -z "${HAS_END:-}" ] || echo
        } | run_part tar tar -x -o -f - "$@"
    fi
}

# make_raw_folder: empty, for the account that unpacks; its parents let nobody in.
make_raw_folder() {
    [ ! -e "$raw_folder" ] || mv "$raw_folder" "${raw_folder%/*}/.${raw_folder##*/}.$$" || return 1
    rm -rf "${raw_folder%/*}/.${raw_folder##*/}".*
    mkdir -p "${raw_folder%/*}" && chmod 700 "${raw_folder%/*}" && mkdir "$raw_folder" || return 1
    [ -z "$low" ] || chown "$NOBODY" "$raw_folder"
}

# end_part FILE: ends the process whose number is in it, if that is still one of this job's.
end_part() {
    if [ -f "$1" ] && read -r id _ <"$1" && process_stat "$id" && [ "$group" = "$$" ]; then
        kill -9 "$id" 2>/dev/null || :
    fi
}

# goes_on: the job's own shell still runs. Where it was killed, nobody else ends what goes on beside it.
goes_on() {
    kill -0 "$$" 2>/dev/null
}

# watch LIMIT: as long as the job runs, ends its pipeline when less room is left than a living node needs, when more
# than LIMIT bytes were unpacked (0: no limit), or when who reads has ended while S3 still sends.
watch() {
    turn=0
    while pause=1 && goes_on && room=$(stat -f -c '%a %S %c %d' "${raw_folder%/*}" 2>/dev/null); do
        # shellcheck disable=SC2086 # numbers
        set -- "$1" $room
        free=$(($2 * $3 / 1024)) turn=$((turn + 1))
        [ "$free" -gt 4194304 ] || pause=0.1
        if [ "$free" -lt "$LEFT_OVER_KIB" ]; then
            note_first room "$free"
        elif [ "$4" -gt 0 ] && [ "$5" -lt "$LEFT_OVER_FILES" ]; then
            note_first inodes "$5"
        elif [ "$1" != 0 ] && [ "$((turn % 20))" = 0 ] &&
            [ "$(du -sk "${raw_folder%/*}" | cut -f 1)" -gt "$(($1 / 1024))" ]; then
            note_first limit "$1"
        fi
        for folder in "$job_folder" "$job_folder"/piece.*; do
            [ -e "$job_folder/first" ] || [ -e "$folder/first" ] || continue
            for part in "$folder"/*.pid "$folder"/*.tee "$folder"/*.get; do end_part "$part"; done
        done
        sleep "$pause" 2>/dev/null || sleep 1
    done
}

# watch_over LIMIT: begins what goes on beside the unpacking, and sets $watchers to it; who is done ends these processes.
# Their `sleep` lives on for its second. Holding the script's output, it would keep the connection that waits for its end.
watch_over() {
    watch "$1" >/dev/null 2>&1 &
    watchers=$!
    flush >/dev/null 2>&1 &
    watchers="$watchers $!"
}

# flush: as long as the job runs, has what is unpacked written to the disk. A disk that gets all of it at once, at the end,
# keeps the job waiting, and the writes of the node that still lives there.
flush() {
    while sleep "$FLUSH_SECONDS" && goes_on; do sync_folder "$raw_folder"; done
}
