# How a job tells how it went. Comes after lib.sh. Who uses it sets $job_folder.

# finish STATUS MESSAGE: ends the job; whoever looks is told how it ended.
finish() {
    # shellcheck disable=SC2086 # numbers
    [ -z "${watchers:-}" ] || kill $watchers 2>/dev/null
    rm -f "$job_folder/url" "$job_folder/urls" "$job_folder/asks" "$job_folder"/*.tee "$job_folder"/*.get \
        "$job_folder"/*.said
    printf '%s\n' "$2" >"$job_folder/message"
    printf '%s\n' "$1" >"$job_folder/rc.new" && mv -f "$job_folder/rc.new" "$job_folder/rc"
    exit 0 # told by `rc`: systemd would keep a failed unit until the next boot
}

# words_of FILE STATUS: prints what a part of the pipeline complained of first.
words_of() {
    grep . "$1" 2>/dev/null | head -n 1 | grep . || echo "status $2"
}

# was_killed PART STATUS: what ended the pipeline is that a part of it was killed. That is no fault of what it read.
was_killed() {
    case $1 in
        stream) [ "$2" = 2 ] ;;
        unpack | tar) [ "$2" -gt 128 ] ;;
        *) false ;;
    esac
}
