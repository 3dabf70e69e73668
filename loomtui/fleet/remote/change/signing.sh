# Makes the validator's file that the plan decided on, in the run's folder. The key is copied, never printed.
# BASE: `live` (the node's own file) or a file of the run's folder. The file is put in place by replace.sh.
# signing.sh WORKDIR RUN BASE HEIGHT OUT
WORKDIR=$1 RUN=$2 BASE=$3 HEIGHT=$4 OUT=$5
run_folder=$WORKDIR/.loomtui/runs/$RUN
own_lock "$WORKDIR" "$RUN"
source=$run_folder/$BASE
[ "$BASE" != live ] || source=$WORKDIR/chaindata/config/priv_validator.json
# The copy that replace.sh kept is the node's own file when this is called again after an interruption.
if [ "$BASE" = live ] && grep -qx had "$run_folder/replaced/files/validator/was" 2>/dev/null; then
    source=$run_folder/replaced/files/validator/file
fi
[ -f "$source" ] || fail "there is no ${source##*/} to work on"
mkdir -p "$run_folder/${OUT%/*}" || fail "cannot write in $run_folder"
with_height "$HEIGHT" <"$source" >"$run_folder/$OUT.new" || fail "cannot write in $run_folder"
case $(edit_fault "$(cat "$source")" "$(cat "$run_folder/$OUT.new")" "$HEIGHT") in
    '') ;;
    key-changed*) fail "the edit of the signing state went wrong" ;;
    unknown-form*) fail "${source##*/} is of no known form" ;;
    no-height*) fail "no last_height in ${source##*/}" ;;
    *) fail "the edit of the signing state left a signature" ;;
esac
keep "$run_folder/$OUT.new" "$run_folder/$OUT"
