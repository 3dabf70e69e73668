# Takes the node for one run and makes the run's folder. The same run may take it again. A later generation of it takes it
# from an earlier one: from then on no change script of the earlier one does anything, and one at work is waited for.
# lock.sh WORKDIR RUN OWNER-JSON [NAME OFFSET LENGTH]...
# Standard input: the run's record, as keep_record has it: whoever finds the lock finds the record too.
# status 73: another run holds the node; 78: the run was taken over by others (in both cases whose it is on stdout)
WORKDIR=$1 RUN=$2 OWNER=$3
shift 3
own_folder=$WORKDIR/.loomtui run_folder=$WORKDIR/.loomtui/runs/$RUN
new=$run_folder/owner.new${generation:+.$generation}

# belongs_to_another FILE STATUS: ends the script, and says who has the node.
belongs_to_another() {
    emit owner <"$1"
    rm -f "$new"
    exit "$2"
}

# claim_run: this generation has the run, or another one that claimed the same number or a later one.
# A hard link is made or not made, never half: two that take a run over at once cannot both get it.
claim_run() {
    claimed=$run_folder/taken.${generation%%-*}
    ! is_superseded "$run_folder" || belongs_to_another "$claim" 78
    [ -n "$generation" ] || return 0
    if ! ln "$new" "$claimed" 2>/dev/null && ! grep -qF "\"run\": \"$RUN/$generation\"" "$claimed"; then
        belongs_to_another "$claimed" 78
    fi
}

# ids_at_work: the processes of a script of this run that is at work, one a line.
ids_at_work() {
    truly=$(cd "$run_folder" && pwd -P) || return 0
    find /proc/[0-9]*/fd -lname "$(as_pattern "$truly/busy")" 2>/dev/null | cut -d / -f 3 | sort -u
}

# end_what_works: waits for a script of the earlier generation, and ends it where it waits for what never comes.
# Each can be killed at any point: what it did is found by the marks.
end_what_works() {
    have flock && [ -f "$run_folder/busy" ] || return 0
    for sign in TERM KILL none; do
        if (exec 9<"$run_folder/busy" && flock -w 10 9); then return 0; fi
        for id in $(ids_at_work); do
            [ "$sign" = none ] || kill -s "$sign" "$id" 2>/dev/null || :
        done
    done
    fail "an earlier script of this run is still at work on this node" 74
}

[ -d "$WORKDIR" ] || fail "the working directory $WORKDIR does not exist"
[ ! -L "$own_folder" ] || fail "$own_folder is a symbolic link"
mkdir -p "$run_folder/stage" "$run_folder/replaced" "$run_folder/job" || fail "cannot write in $WORKDIR"
one_at_a_time "$run_folder"
printf '%s\n' "$OWNER" >"$new" || fail "cannot write in $run_folder"
sync "$new" 2>/dev/null || sync
claim_run
keep_record "$run_folder" "$@"
(: >"$run_folder/alive") 2>/dev/null || fail "cannot write in $run_folder"
if ! ln "$new" "$own_folder/lock" 2>/dev/null; then
    [ -f "$own_folder/lock" ] || fail "cannot make the lock $own_folder/lock"
    if ! holds_lock "$WORKDIR" "$RUN"; then
        [ -n "$generation" ] && holds_run "$WORKDIR" "$RUN" || belongs_to_another "$own_folder/lock" 73
        ln "$own_folder/lock" "$run_folder/lock.before.${generation%%-*}" 2>/dev/null || : # for who wants to know later
        keep "$new" "$own_folder/lock" || fail "cannot write the lock $own_folder/lock"
        end_what_works
    fi
fi
rm -f "$new"
