# Takes the node for one run and makes the run's folder. The same run may take it again.
# lock.sh WORKDIR RUN OWNER-JSON                       status 73: another run holds it (its owner on stdout)
WORKDIR=$1 RUN=$2 OWNER=$3
own_folder=$WORKDIR/.loomtui run_folder=$WORKDIR/.loomtui/runs/$RUN
[ -d "$WORKDIR" ] || fail "the working directory $WORKDIR does not exist"
[ ! -L "$own_folder" ] || fail "$own_folder is a symbolic link"
mkdir -p "$run_folder/stage" "$run_folder/replaced" "$run_folder/job" || fail "cannot write in $WORKDIR"
printf '%s\n' "$OWNER" >"$run_folder/owner.new" || fail "cannot write in $run_folder"
sync "$run_folder/owner.new" 2>/dev/null || sync
# A hard link is made or not made, never half: two runs cannot both get it.
if ! ln "$run_folder/owner.new" "$own_folder/lock" 2>/dev/null; then
    [ -f "$own_folder/lock" ] || fail "cannot make the lock $own_folder/lock"
    if ! holds_lock "$WORKDIR" "$RUN"; then
        emit owner <"$own_folder/lock"
        rm -f "$run_folder/owner.new"
        exit 73
    fi
fi
rm -f "$run_folder/owner.new"
