# Ends what this run still fetches, puts back what it suspended, and gives the node back. Does nothing when the lock
# is another run's, or gone.
# unlock.sh WORKDIR RUN
WORKDIR=$1 RUN=$2
lock=$WORKDIR/.loomtui/lock
if holds_lock "$WORKDIR" "$RUN"; then
    own_lock "$WORKDIR" "$RUN"
    put_back_jobs "$WORKDIR" "$RUN"
    for pid in "$WORKDIR/.loomtui/runs/$RUN"/job/*/pid; do
        # The job leads a session of its own; a process of that number that is another's is left alone.
        if [ -f "$pid" ] && grep -qF "$RUN" "/proc/$(cat "$pid")/cmdline" 2>/dev/null; then
            kill -s TERM -- "-$(cat "$pid")" 2>/dev/null || :
        fi
    done
    rm -f "$WORKDIR/.loomtui/runs/$RUN"/job/*/curlrc "$WORKDIR/.loomtui/runs/$RUN"/job/*/url \
        "$WORKDIR/.loomtui/runs/$RUN"/job/*/url.new "$WORKDIR/.loomtui/runs/$RUN"/job/*/wget.err
    mv -f "$lock" "$WORKDIR/.loomtui/runs/$RUN/lock.released" || fail "cannot release the lock $lock"
fi
