# What tells where the service logs to: its unit, and LogDestination of its loom.yml. A look before `logs.sh`.
# log_places.sh UNIT WORKDIR
UNIT=$1 WORKDIR=$2
have systemctl || exit 0
load_unit "$UNIT" WorkingDirectory,User || exit 0
systemctl cat "$UNIT" --no-pager </dev/null 2>/dev/null | emit cat
working_directory "$WORKDIR"
say dir "$dir"
say host "$(uname -n)"
loom_yml "$dir"
if [ -f "$loom_yml" ] && [ -r "$loom_yml" ]; then # a pipe would be waited for
    to=$(tr -d '\r' <"$loom_yml" |
        sed -n 's/^[[:space:]"]*[Ll][Oo][Gg][Dd]estination"\{0,1\}[[:space:]]*[:=][[:space:]]*["'\'']\{0,1\}\([^"'\''#]*\).*/\1/p' |
        head -n 1)
    say destination "$to"
    say config "$loom_yml"
fi
