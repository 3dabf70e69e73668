# Takes the folder in which backup.sh stages out of its way: its files are newer than the restored ones, so the next
# backup would hold them instead. On the file system of the run's folder it goes there, otherwise it is renamed.
# set_aside.sh WORKDIR RUN FOLDER
WORKDIR=$1 RUN=$2 FOLDER=$3
run_folder=$WORKDIR/.loomtui/runs/$RUN
own_lock "$WORKDIR" "$RUN"
case $(staging_fault "$FOLDER" "$WORKDIR") in
    '') ;;
    holds-node*) fail "$FOLDER holds the node itself" ;;
    *) fail "$FOLDER is no folder to be set aside" ;;
esac
if [ ! -f "$run_folder/staging" ]; then
    [ -d "$FOLDER" ] || exit 0
    kept=$run_folder/replaced/staging
    [ "$(stat -c %d "$FOLDER")" = "$(stat -c %d "$run_folder/replaced")" ] || kept=$FOLDER.loomtui-$RUN
    printf '%s\n' "$FOLDER" "$kept" >"$run_folder/staging.new" && keep "$run_folder/staging.new" "$run_folder/staging" ||
        fail "cannot write in $run_folder"
fi
{ read -r FOLDER && read -r kept; } <"$run_folder/staging" || fail "cannot read $run_folder/staging"
if is_there "$FOLDER" && ! is_there "$kept"; then
    mv "$FOLDER" "$kept" || fail "cannot set $FOLDER aside"
fi
say kept "$kept"
