# What the looks `status` and `watch` have in common: each part prints the facts of one kind. They are called in their
# order, in one shell, and set what the later ones need.
# SCRIPT UNIT WORKDIR BINARY UNIT-FILE RPC-PORT VERSION-STAMP
# VERSION-STAMP is what was said of the program the last time: an unchanged program is not asked again.
UNIT=$1 WORKDIR=$2 BINARY=$3 UNIT_FILE=$4 RPC_PORT=$5 STAMP=$6

properties=LoadState,ActiveState,SubState,MainPID,NRestarts,ExecMainStartTimestampMonotonic
properties=$properties,ActiveEnterTimestampMonotonic,StateChangeTimestampMonotonic,UnitFileState,NeedDaemonReload,FragmentPath
properties=$properties,DropInPaths,ExecStart,WorkingDirectory,User,Group,Restart,Result,ExecMainStatus
properties=$properties,Environment,EnvironmentFiles

# unit_part: the unit as systemd holds it, and what it lies in. Sets $dir, $binary, $user, $hold.
unit_part() {
    printf 'cat '
    systemctl cat "$UNIT" --no-pager </dev/null 2>/dev/null | base64 -w 0
    echo
    working_directory "$WORKDIR"
    program "$BINARY"
    unit_user
    say dir "$dir"
    say host "$(uname -n)"
}

# held_part: who holds the node.
held_part() {
    hold=${UNIT_FILE%/*}/$UNIT.d/99-loomtui-hold.conf
    emit_file hold "$hold" 4096
    [ ! -f "$hold" ] || say hold.since "$(stat -c %Y "$hold")"
    emit_file lock "$dir/.loomtui/lock" 4096
    for what in "$dir"/.loomtui/runs/*/jobs/*/what; do
        [ -f "$what" ] || continue
        run=${what%/jobs/*}
        say suspended "${run##*/} $(head -n 2 "$what" | tr '\n' ' ')"
    done
}

# Programs for sed: `whole` makes one line of a file, and the others find something in that.
whole='H;$!d;x;y/\n\r\t/   /'
private_key='s/.*"priv_key"[[:space:]]*:[[:space:]]*{[^{}]*"value"[[:space:]]*:[[:space:]]*"\([A-Za-z0-9+/]\{86\}==\)"[^{}]*}.*/'
key_type='s/.*"priv_key"[[:space:]]*:[[:space:]]*{[^{}]*"type"[[:space:]]*:[[:space:]]*"\([^"\\]*\)"[^{}]*}.*/\1/p'
without_private_key='s/"priv_key"[[:space:]]*:[[:space:]]*{[^{}]*}/"priv_key":0/g'
public_key='s/.*"pub_key"[[:space:]]*:[[:space:]]*{[^{}]*"value"[[:space:]]*:[[:space:]]*"\([A-Za-z0-9+/]\{43\}=\)"[^{}]*}.*/\1/p'
first_address='s/"address"[[:space:]]*:[[:space:]]*"\([0-9A-Fa-f]\{40\}\)".*/\
\1/;s/.*\n/address /p'

# What is told of a key file has to be read from all of it. On a node that is out of processes or memory, a program that
# does not start reads nothing, and nothing must not look like a file without a key: so each fact comes from one program
# whose end is seen, and what was not read is not said.

# half_of FILE: sets $half to the public half of its private key. It is empty unless the key is base64 of 32 + 32 bytes: of
# a shorter one the last 32 would be the secret itself. The key goes through pipes, never into an argument or a variable.
# Fails where it could not be read.
half_of() {
    half=
    form=$(sed -n "$whole;${private_key}key/p" <"$1") || return 1
    [ -n "$form" ] || return 0
    half=$(sed -n "$whole;$private_key\\1/p" <"$1" | base64 -d | tail -c 32 | base64 -w 0)
    [ "${#half}" = 44 ]
}

# state_of FILE: sets $state: untold (Loom's configuration does not tell which), missing, odd (no regular file),
# unreadable, large, empty, cut (no whole JSON object), unread (the node could not read it now) or good.
state_of() {
    if [ -z "$1" ]; then
        state=untold
    elif closed "$1"; then
        state=unreadable
    elif [ ! -e "$1" ]; then
        state=missing
    elif [ ! -f "$1" ]; then
        state=odd
    elif [ ! -r "$1" ]; then
        state=unreadable
    elif [ "$(wc -c <"$1")" -gt 65536 ]; then
        state=large
    elif [ ! -s "$1" ]; then
        state=empty
    else
        ends=$(sed -n 'H;$!d;x;s/[[:space:]]//g;s/^\(.\).*\(.\)$/\1\2/p' <"$1") || ends=unread
        case $ends in
            '{}') state=good ;;
            unread) state=unread ;;
            *) state='cut' ;;
        esac
    fi
}

# database NAME FOLDER: tells that one of NEEDED_DATABASES is there.
database() {
    ! closed "$2/CURRENT" || known=
    [ ! -f "$2/CURRENT" ] || say database "$1"
}

# find_files: sets $data, $key, $validator to where Loom looks for them, and $root and $loom_yml.
find_files() {
    loom_config "$dir"
    loom_file db_dir data
    data=$place
    loom_file node_key_file config/node_key.json
    key=$place
    loom_file priv_validator_file config/priv_validator.json
    validator=$place
    find_rpc
}

# files_part: which databases are there, and the node key. find_files comes before it.
files_part() {
    say place/db_dir "$data"
    known=${data:+seen}
    database app.db "$root/app.db"
    for name in blockstore.db state.db; do
        [ -z "$data" ] || database "chaindata/data/$name" "$data/$name"
    done
    [ ! -d "$dir" ] || [ -z "$known" ] || say databases seen
    say place/node_key_file "$key"
    state_of "$key"
    say node_key.state "$state"
    if [ "$state" = good ]; then
        say node_key.type "$(sed -n "$whole;$key_type" <"$key")"
        ! half_of "$key" || say node_key.public "$half"
    fi
    say place/priv_validator_file "$validator"
    case $data:$key:$validator in
        "$root/chaindata/data:$root/chaindata/config/node_key.json:$root/chaindata/config/priv_validator.json") ;;
        *) emit_file config_toml "$root/chaindata/config/config.toml" 65536 ;; # whether it is TOML is told from it
    esac
    say rpc.address "$rpc"
    have curl || have wget || say rpc.tool none
}

# signing_program: prints a program for sed that tells the signing state from a priv_validator.json made one line: each
# number, and whether it stands there in quotes, plain, or in no form that is known. At the end it tells that it has
# seen all of the file: a number that is not there is a zero.
signing_program() {
    printf '%s\n' "$whole" "$without_private_key" h
    for name in last_height last_round last_step; do
        printf '%s\n' "s/.*\"$name\".*/validator.form\/$name =/p" g \
            "s/.*\"$name\"[[:space:]]*:[[:space:]]*\"-\{0,1\}[0-9]*\".*/validator.form\/$name =quoted/p" g \
            "s/.*\"$name\"[[:space:]]*:[[:space:]]*-\{0,1\}[0-9][0-9]*[[:space:]]*[,}].*/validator.form\/$name =plain/p" g \
            "s/.*\"$name\"[[:space:]]*:[[:space:]]*\"\{0,1\}\(-\{0,1\}[0-9]\{1,19\}\)[\" ,}].*/validator.$name =\1/p" g
    done
    printf '%s\n' 's/.*}[[:space:]]*$/validator.signing =seen/p'
}

signs=$(signing_program)

# signing_part: the validator's signing state, if its file is good.
signing_part() {
    # Without a line break at the end of the file there is none behind the last fact either.
    printf '%s\n' "$(sed -n "$signs" <"$validator")"
}

# validator_part: the validator's key.
validator_part() {
    state_of "$validator"
    say validator.state "$state"
    [ "$state" = good ] || return 0
    flat=$(sed "$whole;$without_private_key" <"$validator") || return 0
    case $flat in *'}'*) ;; *) return 0 ;; esac
    public=$(sed -n "$whole;$without_private_key;h;$first_address
g;$public_key" <"$validator") || return 0
    case $public in
        'address '*)
            address=${public%%"$newline"*}
            say validator.address "${address#* }"
            public=${public#"$address"}
            public=${public#"$newline"}
            ;;
    esac
    say validator.public "$public"
    case $flat in
        *'"priv_key":0'*)
            half_of "$validator" || return 0
            case $half in
                '') say validator.private bad ;;
                "$public") say validator.private pair ;;
                *) say validator.private other ;;
            esac
            ;;
        *'"key_id"'*) say validator.private hsm ;;
        *) say validator.private none ;;
    esac
    flat=
}

# find_rpc: sets $rpc to where Tendermint's RPC listens, as loom.yml says.
find_rpc() {
    rpc=
    port=$RPC_PORT
    loom_yml "$dir"
    if [ -f "$loom_yml" ] && [ -r "$loom_yml" ]; then # a pipe would be waited for
        rpc=$(tr -d '\r' <"$loom_yml" |
            sed -n 's/^[[:space:]"]*[Rr][Pp][Cc][Ll]isten[Aa]ddress"\{0,1\}[[:space:]]*[:=][[:space:]]*["'\'']\{0,1\}\([^"'\'' ,#]*\).*/\1/p')
        rpc=${rpc%%"$newline"*}
        rpc=${rpc#*://}
    fi
    case ${rpc##*:} in
        '' | *[!0-9]*) rpc= ;; # no port: not an address
        *) port=${rpc##*:} ;;
    esac
    case ${rpc%:*} in
        '[::1]') rpc='[::1]':$port ;;
        '' | 0.0.0.0 | *[!A-Za-z0-9._-]*) rpc=127.0.0.1:$port ;; # all addresses, or none that is one
        *) rpc=${rpc%:*}:$port ;;
    esac
}

# ask PATH: prints the answer of Tendermint's RPC on this node, or fails with what curl or wget says.
ask() {
    if have curl; then
        curl -sS --noproxy '*' --connect-timeout 2 --max-time 4 --max-filesize 4194304 "http://$rpc/$1"
    else
        wget -q -O - -T 4 -t 1 --no-proxy "http://$rpc/$1"
    fi </dev/null 2>&1
}

# ask_at_once PATH...: prints the answers, each with a mark behind it. The first that does not come ends it: where the RPC
# hangs, each question costs its whole time. curl before 7.52 cannot do that.
ask_at_once() {
    for path; do
        shift
        set -- "$@" "http://$rpc/$path"
    done
    curl -sS --fail-early --noproxy '*' --connect-timeout 2 --max-time 4 --max-filesize 4194304 \
        --write-out '\n-- answered\n' "$@" </dev/null 2>&1
}

# ask_one_by_one PATH...: prints a fact of each answer. Fails where the first does not come.
ask_one_by_one() {
    first=$1
    for path; do
        if answer=$(ask "$path"); then
            printf '%s' "$answer" | emit "rpc.$path"
        elif [ "$path" = "$first" ]; then
            say rpc.error "${answer:-no answer}"
            return 1
        fi
    done
}

# chain_part PATH...: sets $chain to facts of what the RPC says to them. Fails where it does not answer the first.
chain_part() {
    chain=
    have curl || have wget || return 1
    if ! have curl || ! answered=$(ask_at_once "$@"); then
        case ${answered:-} in
            'curl: ('*) # nothing came before it
                chain=$(say rpc.error "${answered%%"$newline"*}")
                return 1
                ;;
        esac
        chain=$(ask_one_by_one "$@")
        return
    fi
    # A here-document costs no process. Where the shell keeps it in a file, and has no room for that, a pipe does.
    chain=$(
        base64 -w 0 2>/dev/null <<END
$answered
END
    )
    [ -n "$chain" ] || chain=$(printf '%s\n' "$answered" | base64 -w 0)
    chain="rpc.answers $chain"
}

# members_part: the set of validators by the node's own chain.
members_part() {
    answer=$(ask validators) && printf '%s' "$answer" | emit rpc.validators
}

# machine_part: the load, the disk, and the version of the program. Only a program that is called loom is asked: a wrapper of
# another name might start a node.
machine_part() {
    read -r load rest </proc/loadavg && say load "$load"
    [ ! -d "$dir" ] || say disk "$(disk_blocks "$dir")"
    case ${binary##*/} in
        loom | basechain | "${BINARY##*/}")
            stamp=$binary.$(stat -L -c %Y.%s.%i "$binary" 2>/dev/null)
            say version.stamp "$stamp"
            if [ "$stamp" != "$STAMP" ] && [ -x "$binary" ]; then
                (cd / && as_user "$user" timeout -k 1 5 "$binary" version </dev/null 2>&1 | head -c 4096 | emit version)
            fi
            ;;
    esac
}
