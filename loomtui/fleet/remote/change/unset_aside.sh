# Puts the folder in which backup.sh stages back; one that a backup has made since is kept in the run's folder.
# unset_aside.sh WORKDIR RUN
W=$1 RUN=$2
R=$W/.loomtui/runs/$RUN
own_lock "$W" "$RUN"
[ -f "$R/staging" ] || exit 0
umask 077
{ read -r FOLDER && read -r kept; } <"$R/staging" || die "cannot read $R/staging"
if is_there "$kept"; then
    if is_there "$FOLDER"; then
        mv "$FOLDER" "$kept.undone" || die "cannot take $FOLDER away"
    fi
    mv "$kept" "$FOLDER" || die "cannot put $FOLDER back"
fi
mv -f "$R/staging" "$R/staging.undone" || die "cannot write in $R"
