# How a job is started that outlives this connection. Comes after lib.sh.

# is_at_work JOB-FOLDER: its job was started before, and runs.
is_at_work() {
    [ -f "$1/pid" ] && grep -qF "$1/job.sh" "/proc/$(cat "$1/pid")/cmdline" 2>/dev/null
}

# forget_job JOB-FOLDER: what an earlier job told of itself.
forget_job() {
    rm -rf "$1"/piece.* "$1"/claim.*
    rm -f "$1/rc" "$1/message" "$1/pid" "$1/http" "$1/asks" "$1/anew" "$1/sha256" "$1/compared" "$1/first" "$1/failed" "$1"/*.err \
        "$1"/*.trouble "$1"/*.fetched
}

# start_job NAME COMMAND...: it gives way to a node that runs beside it. NAME is of a unit of systemd.
start_job() {
    name=$1
    shift
    for low in 'ionice -c 2 -n 7' 'nice -n 10'; do
        # shellcheck disable=SC2086 # words, not one: where the tool is missing, or refuses, the job runs without it
        ! $low true >/dev/null 2>&1 || set -- $low "$@"
    done
    if have systemd-run && [ "$(id -u)" = 0 ]; then
        # The default is 100. CPUWeight= is of systemd 232, IOWeight= of 230; what they are called before comes next.
        for weights in '-p CPUWeight=20 -p IOWeight=20' '-p CPUShares=200 -p BlockIOWeight=200' ''; do
            # shellcheck disable=SC2086 # words, not one
            if systemd-run --quiet --unit="$name" $weights "$@" >/dev/null 2>&1; then
                exit 0
            fi
        done
    fi
    setsid nohup "$@" </dev/null >/dev/null 2>&1 9>&- &
}
