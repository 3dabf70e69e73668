# Takes the node for one run and makes the run's folder. The same run may take it again.
# lock.sh WORKDIR RUN OWNER-JSON                       status 73: another run holds it (its owner on stdout)
W=$1 RUN=$2 OWNER=$3
B=$W/.loomtui R=$W/.loomtui/runs/$RUN
[ -d "$W" ] || die "the working directory $W does not exist"
[ ! -L "$B" ] || die "$B is a symbolic link"
umask 077
mkdir -p "$R/stage" "$R/replaced" "$R/job" || die "cannot write in $W"
printf '%s\n' "$OWNER" >"$R/owner.new" || die "cannot write in $R"
sync "$R/owner.new" 2>/dev/null || sync
# A hard link is made or not made, never half: two runs cannot both get it.
if ! ln "$R/owner.new" "$B/lock" 2>/dev/null; then
    [ -f "$B/lock" ] || die "cannot make the lock $B/lock"
    if ! grep -qF "\"run\": \"$RUN\"" "$B/lock"; then
        emit owner <"$B/lock"
        rm -f "$R/owner.new"
        exit 73
    fi
fi
rm -f "$R/owner.new"
