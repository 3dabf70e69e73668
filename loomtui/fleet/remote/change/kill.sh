# Kills (SIGKILL) those of the named processes that still hold up the stop of a held unit. A process is named by
# its ID and its start, so that nothing else is killed that got the ID by now.
# kill.sh WORKDIR RUN UNIT HOLD-FILE ID:START...
W=$1 RUN=$2 UNIT=$3 HOLD=$4
shift 4
own_lock "$W" "$RUN"
grep -qF "run $RUN:" "$HOLD" 2>/dev/null || die "$UNIT is not held: it would be started again" 74
left=$newline$(left_running "$UNIT" "$W")
for process in "$@"; do
    case $left in
    *"$newline${process%%:*} ${process#*:} "*) kill -9 "${process%%:*}" 2>/dev/null || : ;;
    esac
done
