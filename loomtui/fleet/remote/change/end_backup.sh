# Ends backup.sh, with all that it started: SIGTERM to its process group, and to nothing that has its number by now.
# end_backup.sh WORKDIR RUN SECONDS ID:START...                 status 75: still running when the time was over
WORKDIR=$1 RUN=$2 SECONDS_LEFT=$3
own_lock "$WORKDIR" "$RUN"
shift 3

# runs ID:START: it has not ended, and is no other process by now. Sets $group.
runs() {
    process_stat "${1%%:*}" && [ "$start" = "${1#*:}" ]
}

for process in "$@"; do
    runs "$process" || continue
    case $group in
        '' | 0 | 1 | *[!0-9]*) ;;
        *) kill -s TERM -- "-$group" 2>/dev/null || : ;;
    esac
done
for process in "$@"; do
    while runs "$process"; do
        [ "$SECONDS_LEFT" -gt 0 ] || exit 75
        SECONDS_LEFT=$((SECONDS_LEFT - 1))
        sleep 1
    done
done
