# Keeps what is new of the run's record on the node, so that the run can be taken over from any machine, and renews the sign
# of life. Standard input: the bytes of the parts. Nothing is done where the run has no folder: it never took this node, or
# was cleaned.
# keep_record.sh WORKDIR RUN HOW [NAME OFFSET LENGTH]...
# HOW: `working`; `over`, when nobody works on the run any more. Prints `kept` where there is a folder.
WORKDIR=$1 RUN=$2 HOW=$3
run_folder=$WORKDIR/.loomtui/runs/$RUN
shift 3
[ ! -L "$WORKDIR/.loomtui" ] && [ -d "$run_folder" ] || exit 0
one_at_a_time "$run_folder"
if is_superseded "$run_folder"; then
    fail "this run was taken over from another machine: its record is kept from there" 78
fi
keep_record "$run_folder" "$@"
case $HOW in
    over) rm -f "$run_folder/alive" ;;
    *) (: >"$run_folder/alive") 2>/dev/null || fail "cannot write in $run_folder" ;;
esac
say kept yes
