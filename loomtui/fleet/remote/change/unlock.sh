# Ends what this run still fetches, puts back what it suspended, and gives the node back. Does nothing when the lock
# is another run's, or gone.
# unlock.sh WORKDIR RUN
W=$1 RUN=$2
L=$W/.loomtui/lock
if [ -f "$L" ] && grep -qF "\"run\": \"$RUN\"" "$L"; then
    own_lock "$W" "$RUN"
    put_back_jobs "$W" "$RUN"
    for pid in "$W/.loomtui/runs/$RUN"/job/*/pid; do
        # The job leads a session of its own; a process of that number that is another's is left alone.
        if [ -f "$pid" ] && grep -qF "$RUN" "/proc/$(cat "$pid")/cmdline" 2>/dev/null; then
            kill -s TERM -- "-$(cat "$pid")" 2>/dev/null || :
        fi
    done
    rm -f "$W/.loomtui/runs/$RUN"/job/*/curlrc "$W/.loomtui/runs/$RUN"/job/*/url
    mv -f "$L" "$W/.loomtui/runs/$RUN/lock.released" || die "cannot release the lock $L"
fi
