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
# No string in this file holds blanks (hex, base64, type names), so it can be edited as one line.
tr -d ' \t\r\n' <"$source" | sed \
    -e 's/"last_signature":{[^{}]*}/"last_signature":null/' \
    -e 's/,"last_signature":\(null\|"[^"]*"\)//' -e 's/"last_signature":\(null\|"[^"]*"\),//' \
    -e 's/,"last_signbytes":\(null\|"[^"]*"\)//' -e 's/"last_signbytes":\(null\|"[^"]*"\),//' \
    -e 's/"last_height":"\{0,1\}[0-9]*"\{0,1\}/"last_height":"'"$HEIGHT"'"/' \
    -e 's/"last_round":"\{0,1\}[0-9]*"\{0,1\}/"last_round":"0"/' \
    -e 's/"last_step":"\{0,1\}[0-9]*"\{0,1\}/"last_step":0/' >"$run_folder/$OUT.new" || fail "cannot write in $run_folder"

# field FILE NAME: prints a field of a file of JSON, with its name.
field() {
    tr -d ' \t\r\n' <"$1" | grep -o "\"$2\":\(\"[^\"]*\"\|[0-9]*\|{[^{}]*}\)" | head -n 1
}

for name in address pub_key priv_key key_id; do
    [ "$(field "$source" $name)" = "$(field "$run_folder/$OUT.new" $name)" ] ||
        fail "the edit of the signing state went wrong"
done
[ "$(grep -o '"last_height"' "$run_folder/$OUT.new" | wc -l)" -le 1 ] || fail "${source##*/} is of no known form"
[ "$(field "$run_folder/$OUT.new" last_height)" = "\"last_height\":\"$HEIGHT\"" ] ||
    fail "no last_height in ${source##*/}"
! grep -q 'last_sign' "$run_folder/$OUT.new" || fail "the edit of the signing state left a signature"
keep "$run_folder/$OUT.new" "$run_folder/$OUT"
