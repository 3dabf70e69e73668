# What lies around a unit: environment files, start scripts, variables of the service manager, what runs of it.
# sources.sh UNIT NAMES [environment PATTERN | script PATH]...
# NAMES are variables, with `|` between them: the values of others stay on the node.
UNIT=$1 NAMES=$2
shift 2
LIMIT=65536
case $NAMES in *[!A-Za-z0-9_\|]*) fail "not names of variables: $NAMES" ;; esac

# absence FILE: prints why there is no text of it, nothing where there is.
absence() {
    if closed "$1"; then
        echo closed
    elif [ ! -e "$1" ]; then
        echo missing
    elif [ ! -f "$1" ]; then
        echo odd
    elif [ ! -r "$1" ]; then
        echo closed
    elif [ "$(head -c 4 "$1" | tail -c 3)" = ELF ]; then
        echo binary
    elif [ "$(wc -c <"$1")" -gt $LIMIT ]; then
        echo large
    elif [ "$(tr -d '\000' <"$1" | wc -c)" != "$(wc -c <"$1")" ]; then
        echo binary
    fi
}

# of_interest: passes on the lines that set one of NAMES. Others become empty, so that lines keep their numbers; one
# that a backslash continues belongs to the one before it.
of_interest() {
    if [ -z "$NAMES" ]; then
        sed 's/.*//'
    else
        sed -E -e ':more' -e '/\\$/{' -e '$!{' -e 'N' -e 'b more' -e '}' -e '}' \
            -e "/^[[:space:]]*(export[[:space:]]+)?($NAMES)[[:space:]]*=/!s/[^\n]//g"
    fi
}

# without_secrets: passes a script on. What is assigned to a name that sounds secret becomes a command nobody knows.
without_secrets() {
    secret='[Pp][Aa][Ss][Ss]|[Ss][Ee][Cc][Rr][Ee][Tt]|[Tt][Oo][Kk][Ee][Nn]|[Pp][Rr][Ii][Vv]|[Mm][Nn][Ee][Mm]|[Cc][Rr][Ee][Dd]'
    sed -E "s/((^|[[:space:];])[A-Za-z0-9_]*($secret)[A-Za-z0-9_]*=).*/\1\$(hidden)/"
}

# holds_key FILE: it has a private key, or is one word that could be a key or a token. An ID of 40 hex digits is none.
holds_key() {
    ! grep -qE '"priv_key"[[:space:]]*:|BEGIN [A-Z ]*PRIVATE KEY' "$1" || return 0
    [ "$(wc -w <"$1")" = 1 ] && grep -qE '^[[:space:]]*[A-Za-z0-9+_-][A-Za-z0-9+/_-]{31,}=*[[:space:]]*$' "$1" &&
        ! grep -qxE '[0-9a-fA-F]{40}' "$1"
}

# source_file NUMBER FILE FILTER
source_file() {
    say "file/$1" "$2"
    why=$(absence "$2")
    # Of an environment file only lines that are asked for are sent; of a script all.
    [ -n "$why" ] || [ "$3" != without_secrets ] || ! holds_key "$2" || why=key
    if [ -n "$why" ]; then
        say "absence/$1" "$why"
    else
        "$3" <"$2" | emit "text/$1"
    fi
}

number=0
while [ $# -ge 2 ]; do
    kind=$1 what=$2
    shift 2
    number=$((number + 1))
    if [ "$kind" = script ]; then
        source_file "$number.1" "$what" without_secrets
        continue
    fi
    count=0
    IFS= # the pattern is expanded, never split
    for file in $what; do
        count=$((count + 1))
        [ $count -gt 50 ] || source_file "$number.$count" "$file" of_interest
    done
    unset IFS
done

if [ -n "$NAMES" ]; then
    systemctl show-environment --no-pager </dev/null 2>/dev/null | grep -E "^($NAMES)=" | emit manager
fi
load_unit "$UNIT" MainPID && property MainPID
main=${value:-0}
for id in $({ unit_processes "$UNIT" && echo "$main"; } 2>/dev/null | sort -un); do
    [ "$id" != 0 ] && tr '\000' '\n' <"/proc/$id/cmdline" 2>/dev/null | grep -qx 'run' || continue
    tr '\000' '\n' <"/proc/$id/cmdline" 2>/dev/null | head -c $LIMIT | emit running
done
