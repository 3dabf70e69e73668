# Gives the node back. Does nothing when the lock is another run's, or gone.
# unlock.sh WORKDIR RUN
W=$1 RUN=$2
L=$W/.loomtui/lock
if [ -f "$L" ] && grep -qF "\"run\": \"$RUN\"" "$L"; then
    mv -f "$L" "$W/.loomtui/runs/$RUN/lock.released" || die "cannot release the lock $L"
fi
