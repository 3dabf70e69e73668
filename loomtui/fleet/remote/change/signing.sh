# Makes the validator's file that the plan decided on, in the run's folder. The key is copied, never printed.
# BASE: `live` (the node's own file) or a file of the run's folder. The file is put in place by replace.sh.
# signing.sh WORKDIR RUN BASE HEIGHT OUT
W=$1 RUN=$2 BASE=$3 HEIGHT=$4 OUT=$5
R=$W/.loomtui/runs/$RUN
own_lock "$W" "$RUN"
umask 077
F=$R/$BASE
[ "$BASE" != live ] || F=$W/chaindata/config/priv_validator.json
# The copy that replace.sh kept is the node's own file when this is called again after an interruption.
if [ "$BASE" = live ] && grep -qx had "$R/replaced/files/validator/was" 2>/dev/null; then
    F=$R/replaced/files/validator/file
fi
[ -f "$F" ] || die "there is no ${F##*/} to work on"
mkdir -p "$R/${OUT%/*}" || die "cannot write in $R"
# No string in this file holds blanks (hex, base64, type names), so it can be edited as one line.
tr -d ' \t\r\n' <"$F" | sed \
    -e 's/"last_signature":{[^{}]*}/"last_signature":null/' \
    -e 's/,"last_signature":\(null\|"[^"]*"\)//' -e 's/"last_signature":\(null\|"[^"]*"\),//' \
    -e 's/,"last_signbytes":\(null\|"[^"]*"\)//' -e 's/"last_signbytes":\(null\|"[^"]*"\),//' \
    -e 's/"last_height":"\{0,1\}[0-9]*"\{0,1\}/"last_height":"'"$HEIGHT"'"/' \
    -e 's/"last_round":"\{0,1\}[0-9]*"\{0,1\}/"last_round":"0"/' \
    -e 's/"last_step":[0-9]*/"last_step":0/' >"$R/$OUT.new" || die "cannot write in $R"
field() { tr -d ' \t\r\n' <"$1" | grep -o "\"$2\":\(\"[^\"]*\"\|[0-9]*\|{[^{}]*}\)" | head -n 1; }
for name in address pub_key priv_key key_id; do
    [ "$(field "$F" $name)" = "$(field "$R/$OUT.new" $name)" ] || die "the edit of the signing state went wrong"
done
[ "$(grep -o '"last_height"' "$R/$OUT.new" | wc -l)" -le 1 ] || die "${F##*/} is of no known form"
[ "$(field "$R/$OUT.new" last_height)" = "\"last_height\":\"$HEIGHT\"" ] || die "no last_height in ${F##*/}"
! grep -q 'last_sign' "$R/$OUT.new" || die "the edit of the signing state left a signature"
keep "$R/$OUT.new" "$R/$OUT"
