# Puts the folder in which backup.sh stages back; one that a backup has made since is kept in the run's folder.
# unset_aside.sh WORKDIR RUN
WORKDIR=$1 RUN=$2
run_folder=$WORKDIR/.loomtui/runs/$RUN
own_lock "$WORKDIR" "$RUN"
[ -f "$run_folder/staging" ] || exit 0
{ read -r FOLDER && read -r kept; } <"$run_folder/staging" || fail "cannot read $run_folder/staging"
if is_there "$kept"; then
    if is_there "$FOLDER"; then
        mv "$FOLDER" "$kept.undone" || fail "cannot take $FOLDER away"
    fi
    mv "$kept" "$FOLDER" || fail "cannot put $FOLDER back"
fi
mv -f "$run_folder/staging" "$run_folder/staging.undone" || fail "cannot write in $run_folder"
