# The dear look, before a plan: databases and their sizes, configuration files, address book, tools.
# details.sh UNIT WORKDIR DATABASE...          a DATABASE is relative to WORKDIR; patterns in its last part
UNIT=$1 WORKDIR=$2
shift 2
LIMIT=1048576

load_unit "$UNIT" WorkingDirectory,User,Group,Environment,EnvironmentFiles,MainPID || fail "systemctl show $UNIT failed"
working_directory "$WORKDIR"
unit_user
say dir "$dir"
say user "$user"
entry=$(account "$user")
say account "$entry"
property Group
group=${value:-$(printf '%s' "$entry" | cut -d : -f 4)}
if have getent; then getent group "$group"; else grep -E "^($group:|[^:]*:[^:]*:$group:)" /etc/group; fi |
    head -n 1 | emit group

for tool in bzip2 curl gzip lbzip2 lz4 nohup openssl pbzip2 pigz pixz pxz python3 rsync setsid sha256sum systemd-run \
    tar timeout wget xz zstd; do
    ! have "$tool" || say tool "$tool"
done

cd "$dir" 2>/dev/null || fail "the working directory $dir cannot be entered"
for name in $(environment_settings); do
    say environment "$name"
done
loom_config "$dir"
for folder in . chaindata chaindata/config chaindata/data; do # links on the way to what config.toml names
    truly=$(cd "$folder" 2>/dev/null && pwd -P) && say "physical/$folder" "$truly"
done
IFS= # the patterns below are expanded, never split
for pattern in "$@"; do
    for name in $pattern; do
        [ -e "$name" ] || continue
        case $name in *[!A-Za-z0-9._/-]*) continue ;; esac # a line break in it could feign a fact
        used=$(du -sk "$name" 2>/dev/null)
        say "database/$name" "${used%%[!0-9]*}"
    done
done

# describe NAME FILE: when the file that NAME stands for was changed, and its digest.
describe() {
    [ -f "$2" ] || return 0
    say "modified/$1" "$(stat -L -c %Y "$2")"
    [ -r "$2" ] || return 0
    digest=$(sha256sum <"$2")
    say "digest/$1" "${digest%% *}"
}

for name in loom.json loom.toml loom.yaml loom.yml loom.properties loom.props loom.prop loom.hcl; do
    for place in "$name" "config/$name"; do
        [ -f "$place" ] || continue
        say config "$place"
        emit_file "text/$place" "$place" $LIMIT
        describe "$place" "$place"
    done
done
for suffix in json toml yaml yml properties props prop hcl; do
    [ ! -e "chaindata/config/config.$suffix" ] || say tendermint_config "chaindata/config/config.$suffix"
done
for name in genesis.json chaindata/config/config.toml; do
    emit_file "text/$name" "$name" $LIMIT
    describe "$name" "$name"
done
loom_file genesis_file config/genesis.json
[ -z "$place" ] || emit_file text/chaindata/config/genesis.json "$place" $LIMIT
describe chaindata/config/genesis.json "$place"
loom_file node_key_file config/node_key.json
describe chaindata/config/node_key.json "$place"
loom_file priv_validator_file config/priv_validator.json
describe chaindata/config/priv_validator.json "$place"
describe chaindata/config/addrbook.json chaindata/config/addrbook.json
emit_file addrbook chaindata/config/addrbook.json $LIMIT
