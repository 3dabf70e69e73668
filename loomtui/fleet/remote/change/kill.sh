# Kills (SIGKILL) those of the named processes that still hold up the stop of a held unit. A process is named by
# its ID and its start, so that nothing else is killed that got the ID by now.
# kill.sh WORKDIR RUN UNIT HOLD-FILE ID:START...
WORKDIR=$1 RUN=$2 UNIT=$3 HOLD=$4
shift 4
own_lock "$WORKDIR" "$RUN"
holds_unit "$RUN" "$HOLD" || fail "$UNIT is not held: it would be started again" 74
left=$newline$(left_running "$UNIT" "$WORKDIR")
for process in "$@"; do
    case $left in
        *"$newline${process%%:*} ${process#*:} "*) kill -s KILL "${process%%:*}" 2>/dev/null || : ;;
    esac
done
