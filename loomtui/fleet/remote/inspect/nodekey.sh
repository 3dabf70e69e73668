# Runs `loom nodekey`, which makes a new key where it finds none: so only as the unit's user, in its working
# directory, and only where everything is there that it would otherwise create.
# nodekey.sh UNIT WORKDIR BINARY
UNIT=$1 WORKDIR=$2 BINARY=$3

not_run() {
    say not_run "$1"
    exit 0
}

load_unit "$UNIT" WorkingDirectory,User,ExecStart,Environment,EnvironmentFiles,MainPID || fail "systemctl show $UNIT failed"
working_directory "$WORKDIR"
program "$BINARY"
unit_user
case ${binary##*/} in
    loom | basechain | "${BINARY##*/}") ;;
    *) not_run "the unit starts $binary, which may be no loom" ;;
esac
[ -x "$binary" ] || not_run "there is no program $binary"
cd "$dir" 2>/dev/null || not_run "the working directory $dir cannot be entered"
loom_config "$dir"
loom_file node_key_file config/node_key.json
key=$place
[ -n "$key" ] || not_run "loom's configuration does not tell plainly which key file it would read, or make"
name=${key#"$dir/"}
[ -e "$key" ] || not_run "there is no $name, and the command would make one"
[ -f "$key" ] || not_run "$name is no regular file"
[ -s "$key" ] || not_run "$name is empty"
[ -f "$root/chaindata/config/config.toml" ] ||
    not_run "there is no chaindata/config/config.toml, and the command would make one"
[ -d "$root/chaindata/data" ] || not_run "there is no chaindata/data, and the command would make it"
as_user "$user" true || not_run "it cannot be run as $user"
as_user "$user" test -r "$key" || not_run "$name is not readable for $user, as whom the service runs"

say before "$(stat -c %Y.%i "$key")"
said=$(
    {
        as_user "$user" timeout -k 1 10 "$binary" nodekey </dev/null 2>/dev/null
        echo "/$?"
    } | head -c 4096
)
say status "${said##*/}"
printf '%s' "${said%/*}" | emit stdout
say after "$(stat -c %Y.%i "$key")"
