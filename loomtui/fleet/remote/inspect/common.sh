# Where Loom looks for its files on this node, as its own configuration says: loom.yml, chaindata/config/config.toml.
# loomtui/loom/places.py has the rules with their sources and reads the same texts for the plan.

# loom_yml DIR: sets $loom_yml to the file that Loom in DIR reads as its loom.yml, the first that is there.
loom_yml() {
    for folder in "$1" "$1/config"; do
        for suffix in json toml yaml yml properties props prop hcl; do
            loom_yml=$folder/loom.$suffix
            [ ! -f "$loom_yml" ] || return 0
        done
    done
    loom_yml=$1/loom.yml
}

# quoted_text TEXT: sets $value to the text in quotes that TEXT is. Fails for any other form.
quoted_text() {
    value=${1#"${1%%[![:space:]]*}"}
    case $value in
        \"*\"*) quote=\" ;;
        \'*\'*) quote=\' ;;
        *) return 1 ;;
    esac
    value=${value#?}
    behind=${value#*"$quote"}
    value=${value%%"$quote"*}
    case $quote$value in \"*\\*) return 1 ;; esac
    is_comment "$behind"
}

# bare_text TEXT: sets $value to the plain word that TEXT is, or to nothing. Fails for any other form.
bare_text() {
    value=${1#"${1%%[![:space:]]*}"}
    behind=${value#"${value%%[!A-Za-z0-9._/-]*}"}
    value=${value%%[!A-Za-z0-9._/-]*}
    is_comment "$behind"
}

# is_comment TEXT: it is one, or blank.
is_comment() {
    case ${1#"${1%%[![:space:]]*}"} in '' | '#'*) ;; *) return 1 ;; esac
}

# A program for sed that prints the settings at the top of a config.toml, before its first table, as `key=`, in small
# letters, and what stands behind it. Text that may hold lines that are no settings is printed as it is.
settings='/^[[:space:]]*\[/q
/"""/p
/'\'''\'''\''/p
s/^[[:space:]]*["'\'']\{0,1\}\([A-Za-z_]*\)["'\'']\{0,1\}[[:space:]]*=/\1=/
t setting
d
: setting
h
s/=.*//
y/ABCDEFGHIJKLMNOPQRSTUVWXYZ/abcdefghijklmnopqrstuvwxyz/
G
s/\n[^=]*=/=/p'

# setting KEY USUAL: sets $value to what KEY of $toml says, to USUAL where it is not there. Fails where that cannot be
# told: the key is there twice, or not as plain text in quotes.
setting() {
    value=$2
    case $newline$toml in
        *"$newline$1="*"$newline$1="*) return 1 ;;
        *"$newline$1="*) value=$newline$toml ;;
        *) return 0 ;;
    esac
    value=${value#*"$newline$1="}
    quoted_text "${value%%"$newline"*}"
}

# below FOLDER PATH: sets $place to PATH, which is meant below FOLDER unless it is absolute. Fails where the dots in it
# cannot be followed: Go takes them out before it asks the system, which would go through links.
below() {
    case $2 in
        /*) place=$2 ;;
        *..*) place=$(realpath -ms -- "$1/$2" 2>/dev/null) ;;
        *) place=$1/$2 ;;
    esac
}

# loom_root DIR: sets $root to the folder that holds chaindata and the databases. Fails where that cannot be told.
loom_root() {
    root=$1
    loom_yml "$1"
    [ -f "$loom_yml" ] && [ -r "$loom_yml" ] || return 0 # a pipe would be waited for
    # Whatever names it in another form than that of a line of YAML may lead anywhere.
    lines=$(tr -d '\r' <"$loom_yml" | grep -i '^[^#]*rootdir')
    [ -n "$lines" ] || return 0
    case $loom_yml in *.yaml | *.yml) ;; *) return 1 ;; esac
    case $lines in *"$newline"*) return 1 ;; esac
    printf '%s\n' "$lines" | grep -qi "^[\"']\{0,1\}rootdir[\"']\{0,1\}[[:space:]]*:" || return 1
    quoted_text "${lines#*:}" || bare_text "${lines#*:}" || return 1
    case $value in
        '' | . | ./) ;;
        /*) root=$value$value ;; # loomchain joins it with itself
        *..*) return 1 ;;
        *) root=$1/$value/$value ;;
    esac
}

# environment_settings: prints the variables of the loaded unit that move Loom's files, one a line. Of the property
# EnvironmentFiles, lines of `PATH (ignore_errors=yes)`, each file is read that can be; a script may have set more,
# which the running process has.
environment_settings() {
    property MainPID
    main=${value:-0}
    case $main$shown in
        0*"$newline"Environment=[!"$newline"]* | 0*"$newline"EnvironmentFiles=[!"$newline"]*) ;;
        0*) return 0 ;;
    esac
    printf '%s\n' "$shown" | {
        while read -r line; do
            case $line in
                EnvironmentFiles=*' (ignore_errors='*) line=${line#*=} line=${line%' (ignore_errors='*} ;;
                Environment=*)
                    printf '%s\n' "${line#*=}" | tr ' ' '\n'
                    continue
                    ;;
                *) continue ;;
            esac
            IFS= # the pattern is expanded, never split
            for file in $line; do
                [ ! -f "$file" ] || [ ! -r "$file" ] || cat "$file"
                echo # of a last line without an end
            done
            unset IFS
        done
        [ ! -r "/proc/$main/environ" ] || tr '\000' '\n' <"/proc/$main/environ"
    } | tr -d "\"' \t" |
        sed -n 's/^\(TM_\(DB_DIR\|DB_BACKEND\|GENESIS_FILE\|PRIV_VALIDATOR_FILE\|NODE_KEY_FILE\)\)=.*/\1/p
            s/^\(LOOM_\(ROOTDIR\|DBNAME\|DBBACKEND\|GENESISFILE\)\)=.*/\1/p' | sort -u
}

# loom_config DIR: sets $root to where Loom in DIR has chaindata, and $toml to the settings of its config.toml. Both are
# for loom_file. Without a config.toml all is where it usually is.
loom_config() {
    told=
    toml=
    loom_root "$1" || return 0
    for suffix in json toml yaml yml properties props prop hcl; do # the first that is there counts
        [ ! -e "$root/chaindata/config/config.$suffix" ] || break
    done
    if [ -e "$root/chaindata/config/config.$suffix" ]; then
        toml_file=$root/chaindata/config/config.toml
        [ "$suffix" = toml ] && [ -f "$toml_file" ] && [ -r "$toml_file" ] || return 0
        toml=$(head -c 1048576 "$toml_file" | tr -d '\r\000' | sed -n "$settings")
    fi
    case $toml in *'"""'* | *"'''"*) return 0 ;; esac
    [ -n "$(environment_settings)" ] || told=yes
}

# loom_file KEY USUAL: sets $place to where Loom looks for what KEY of config.toml names, which is below chaindata at USUAL
# where it says nothing; to nothing where that cannot be told.
# shellcheck disable=SC2034 # the callers read it
loom_file() {
    [ -n "$told" ] && setting "$1" "$2" && below "$root/chaindata" "$value" || place=
}
