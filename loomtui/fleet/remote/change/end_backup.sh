# Ends backup.sh, with all that it started: SIGTERM to its process group, and to nothing that has its number by now.
# end_backup.sh WORKDIR RUN SECONDS ID:START...                 status 75: still running when the time was over
W=$1 RUN=$2 LEFT=$3
own_lock "$W" "$RUN"
shift 3
stat_of() { # ID:START -> from the third field on; nothing where it has ended, or is another process by now
    rest=$(sed -n 's/.*) //p' "/proc/${1%%:*}/stat" 2>/dev/null | grep -v '^Z')
    [ "$(printf '%s' "$rest" | cut -d ' ' -f 20)" != "${1#*:}" ] || printf '%s' "$rest"
}
for process in "$@"; do
    group=$(stat_of "$process" | cut -d ' ' -f 3)
    case $group in
    '' | 0 | 1 | *[!0-9]*) ;;
    *) kill -s TERM -- "-$group" 2>/dev/null || : ;;
    esac
done
for process in "$@"; do
    while [ -n "$(stat_of "$process")" ]; do
        [ "$LEFT" -gt 0 ] || exit 75
        LEFT=$((LEFT - 1))
        sleep 1
    done
done
