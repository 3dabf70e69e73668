# What tells where the service logs to: its unit, and LogDestination of its loom.yml. A look before `logs.sh`.
# log_places.sh UNIT WORKDIR
UNIT=$1 WORKDIR=$2
have systemctl || exit 0
load_unit "$UNIT" WorkingDirectory,User || exit 0
systemctl cat "$UNIT" --no-pager </dev/null 2>/dev/null | emit cat
working_directory "$WORKDIR"
say dir "$dir"
say host "$(uname -n)"
for name in json toml yaml yml; do # the first that is there counts
    [ ! -f "$dir/loom.$name" ] || break
done
if [ -r "$dir/loom.$name" ]; then
    to=$(tr -d '\r' <"$dir/loom.$name" |
        sed -n 's/^[[:space:]"]*[Ll][Oo][Gg][Dd]estination"\{0,1\}[[:space:]]*[:=][[:space:]]*["'\'']\{0,1\}\([^"'\''#]*\).*/\1/p' |
        head -n 1)
    say destination "$to"
    say config "$dir/loom.$name"
fi
