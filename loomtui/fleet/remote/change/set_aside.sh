# Takes the folder in which backup.sh stages out of its way: its files are newer than the restored ones, so the next
# backup would hold them instead. On the file system of the run's folder it goes there, otherwise it is renamed.
# set_aside.sh WORKDIR RUN FOLDER
W=$1 RUN=$2 FOLDER=$3
R=$W/.loomtui/runs/$RUN
own_lock "$W" "$RUN"
umask 077
case $FOLDER/ in
/*/*/) ;;
*) die "$FOLDER is no folder to be set aside" ;;
esac
case $W/ in "$FOLDER"/*) die "$FOLDER holds the node itself" ;; esac
case $FOLDER/ in */../* | "$W"/*) die "$FOLDER is no folder to be set aside" ;; esac
if [ ! -f "$R/staging" ]; then
    [ -d "$FOLDER" ] || exit 0
    kept=$R/replaced/staging
    [ "$(stat -c %d "$FOLDER")" = "$(stat -c %d "$R/replaced")" ] || kept=$FOLDER.loomtui-$RUN
    printf '%s\n' "$FOLDER" "$kept" >"$R/staging.new" && keep "$R/staging.new" "$R/staging" || die "cannot write in $R"
fi
{ read -r FOLDER && read -r kept; } <"$R/staging" || die "cannot read $R/staging"
if is_there "$FOLDER" && ! is_there "$kept"; then
    mv "$FOLDER" "$kept" || die "cannot set $FOLDER aside"
fi
say kept "$kept"
