# loomtui: what every remote script begins with. POSIX sh; coreutils, grep, sed, find.
# A fact is printed as one line, `name base64`, or `name =plain` where the value is printable ASCII (facts.py).
# What is done at every look starts as few processes as can be: they are what a look costs.
set -u
umask 077
LC_ALL=C
export LC_ALL
unset LANGUAGE CDPATH ENV
PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin"
export PATH
newline='
'
# shellcheck disable=SC2034 # change/common.sh reads them
lock_owned='' generation=''
my_name='' my_id=''

# fail MESSAGE [STATUS]: ends the script. A message that begins with `cannot` also says what is wrong with the disk.
fail() {
    case $1 in
        cannot*) printf '%s%s\n' "$1" "$(disk_trouble "${WORKDIR:-}" "${HOLD:-}" "${TARGET:-}")" >&2 ;;
        *) printf '%s\n' "$1" >&2 ;;
    esac
    exit "${2:-1}"
}

# disk_trouble PATH...: prints what keeps files from being written there, where the disk is to blame.
disk_trouble() {
    for place; do
        while [ -n "$place" ] && [ ! -d "$place" ]; do
            case $place in */*) place=${place%/*} ;; *) place='' ;; esac
        done
        [ -n "$place" ] || continue
        if [ ! -w "$place" ]; then # also root may not where all is read-only
            printf ': its disk is read-only (dmesg says why), or %s may not be written' "$place"
            return
        fi
        free=$(disk_blocks "$place")
        if [ "${free#*,}" -lt 64 ]; then
            printf ': no space is left on the disk of %s; make room there' "$place"
            return
        fi
    done
}

# disk_blocks PATH: prints how many KiB its file system has, a comma, and how many are free.
disk_blocks() {
    df -Pk "$1" | {
        read -r _
        read -r _ all _ free _
        printf '%s\n' "$all,$free"
    }
}

# say NAME VALUE: prints a fact.
say() {
    case $2 in
        *[!\ -~]*) printf '%s %s\n' "$1" "$(printf '%s' "$2" | base64 -w 0)" ;;
        *) printf '%s =%s\n' "$1" "$2" ;;
    esac
}

# emit NAME: prints standard input as a fact.
emit() {
    printf '%s ' "$1"
    base64 -w 0
    echo
}

# say_text NAME TEXT: prints a text of several lines as a fact; it gets a line break at its end.
say_text() {
    printf '%s ' "$1"
    printf '%s\n' "$2" | base64 -w 0
    echo
}

# closed FILE: a folder on the way to it cannot be entered, so that whether it is there cannot be said.
closed() {
    way=$1
    while way=${way%/*} && [ -n "$way" ]; do
        [ ! -d "$way" ] || [ -x "$way" ] || return 0
        [ "${way#*/}" != "$way" ] || break
    done
    return 1
}

# emit_file NAME FILE LIMIT: prints a regular file that is readable and no longer than LIMIT bytes,
# otherwise `NAME.problem`.
emit_file() {
    if closed "$2"; then
        say "$1.problem" "not readable for $(id -un)"
    elif [ ! -e "$2" ] && [ ! -L "$2" ]; then
        return 0
    elif [ ! -f "$2" ]; then
        say "$1.problem" "not a regular file"
    elif [ ! -r "$2" ]; then
        say "$1.problem" "not readable for $(id -un)"
    elif [ "$(wc -c <"$2")" -gt "$3" ]; then
        say "$1.problem" "larger than $3 bytes"
    else
        emit "$1" <"$2"
    fi
}

# is_there PATH: also a link that leads nowhere is there.
is_there() {
    [ -e "$1" ] || [ -L "$1" ]
}

# say_space NAME FOLDER: device, block size, blocks free for users, inodes, free inodes.
say_space() {
    say "space.$1" "$(stat -L -c %d "$2"),$(stat -f -c %S,%a,%c,%d "$2")"
}

# say_spaces WORKDIR HOLD-FILE: for all that a run writes to.
say_spaces() {
    unit_folder=${2%/*}
    [ -d "$unit_folder" ] || unit_folder=${unit_folder%/*}
    say_space work "$1"
    [ ! -d "$unit_folder" ] || say_space unit "$unit_folder"
}

# have COMMAND
have() {
    command -v "$1" >/dev/null 2>&1
}

# load_unit UNIT PROPERTIES: keeps what systemd holds of the unit, for `property`.
load_unit() {
    shown=$(systemctl show "$1" --no-pager -p "$2" </dev/null) || return 1
    shown="$newline$shown"
}

# property NAME: sets $value to the first value of a property that load_unit fetched, empty where it is absent.
property() {
    value=
    case $shown in
        *"$newline$1="*)
            value=${shown#*"$newline$1="}
            value=${value%%"$newline"*}
            ;;
    esac
}

# unit_user: sets $user to the user that the loaded unit runs as.
unit_user() {
    property User
    user=${value:-root}
}

# account USER: prints the line of the user's account, nothing where there is none.
account() {
    if have getent; then
        getent passwd "$1"
    else
        grep "^$1:" /etc/passwd
    fi | head -n 1
}

# working_directory DEFAULT: sets $dir to the loaded unit's WorkingDirectory, else to DEFAULT.
# systemd writes `~` for the home of User=, and `!` or `-` before a folder that may be missing.
working_directory() {
    property WorkingDirectory
    dir=${value#[-!]}
    case $dir in
        '~')
            unit_user
            dir=$(account "$user" | cut -d : -f 6)
            ;;
    esac
    case $dir in
        /*) ;;
        *) dir=$1 ;;
    esac
}

# program DEFAULT: sets $binary to the program of the loaded unit's ExecStart, else to DEFAULT.
program() {
    property ExecStart
    binary=$1
    case $value in
        *'path=/'*)
            binary=${value#*path=}
            binary=${binary%%" ; "*}
            ;;
    esac
}

# as_user USER COMMAND ARG...: runs it as that user; status 126 where that cannot be had.
as_user() {
    as=$1
    shift
    my_name=${my_name:-$(id -un)}
    my_id=${my_id:-$(id -u)}
    if [ "$my_name" = "$as" ] || [ "$my_id" = "$as" ]; then
        "$@"
    elif [ "$my_id" = 0 ] && have runuser; then
        runuser -u "$as" -- "$@"
    elif have sudo; then
        sudo -n -u "$as" "$@"
    else
        return 126
    fi
}

# unit_processes UNIT: prints the IDs of the processes in the unit's control group, one a line. Where it stopped
# without them (KillMode=process, SendSIGKILL=no), systemd calls it inactive or failed, and they run on.
unit_processes() {
    load_unit "$1" ControlGroup,Slice || return 1
    group_processes "$1"
}

# group_processes UNIT: the same for the loaded unit.
group_processes() {
    property Slice
    slice=$value
    property ControlGroup
    [ -n "$slice$value" ] || return 0
    for top in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
        group=$top${value:-/$slice/$1}
        [ ! -d "$group" ] || find "$group" -name cgroup.procs -exec cat {} + 2>/dev/null
    done
}

# database_users WORKDIR: prints /proc/ID/fd/N of each process that has a file of the node's databases open.
# /proc knows no links, so the databases are looked for where they are in truth. A star of find's also stands for
# slashes: what lies deeper than in a database of the node's own is left out.
database_users() {
    home=$(cd "$1" 2>/dev/null && pwd -P) || home=$1 # what was taken away may still be open
    names=$(as_pattern "$home")
    set -- -lname "$names/*db/*" ! -lname "$names/*/*db/*" -o -lname "$names/chaindata/data/*"
    for database in "$home"/*db "$home/chaindata/data"; do
        truly=$(cd "$database" 2>/dev/null && pwd -P) || continue
        [ "$truly" = "$database" ] || set -- "$@" -o -lname "$(as_pattern "$truly")/*"
    done
    find /proc/[0-9]*/fd \( "$@" \) 2>/dev/null
}

# as_pattern PATH: prints it so that find's -lname takes it by the letter.
as_pattern() {
    printf '%s\n' "$1" | sed 's/[][*?\\]/\\&/g'
}

# process_stat ID: sets $group to its process group, and $start to when it started, in clock ticks since boot, which
# tells it from a later process with the same ID (proc(5), fields 5 and 22 of stat). Fails for one that has ended.
process_stat() {
    # The name, in parentheses, may hold anything, so the fields are counted from behind it.
    stat=$(sed -n 's/.*) //p' "/proc/$1/stat" 2>/dev/null | tail -n 1)
    group=$(printf '%s' "$stat" | cut -d ' ' -f 3)
    start=$(printf '%s' "$stat" | cut -d ' ' -f 20)
    case $stat in Z* | '') return 1 ;; esac
}

# left_running UNIT WORKDIR: prints a line for each process that a stop has to have ended: `ID START STANDING NAME`,
# and after a tab the database file that it has open, where it has one. STANDING says whom a stop of the unit tells:
# `told` to end; `untold`, of the unit all the same (systemd.kill(5), KillMode=); `other`, not of the unit.
left_running() {
    load_unit "$1" KillMode,ExecMainPID,ControlGroup,Slice || :
    property KillMode
    mode=$value
    property ExecMainPID # MainPID is 0 where systemd has given up
    main=$value
    members=$newline$(group_processes "$1")$newline
    opened=$(database_users "$2")
    for id in $({ printf '%s' "$members" && printf '%s\n' "$opened" | cut -d / -f 3; } | sort -un); do
        process_stat "$id" || continue
        standing=other
        case $members in *"$newline$id$newline"*) standing=untold ;; esac
        case $standing/$mode/$id in
            untold//* | untold/control-group/* | untold/process/"$main" | untold/mixed/"$main") standing=told ;;
        esac
        name=$(tr -d '\n\t' 2>/dev/null <"/proc/$id/comm")
        file=$(printf '%s\n' "$opened" | grep "^/proc/$id/" | head -n 1)
        [ -z "$file" ] || file=$(readlink "$file" 2>/dev/null | tr '\n\t' '??' | sed 's/?$//')
        printf '%s %s %s %s\t%s\n' "$id" "$start" "$standing" "$name" "$file"
    done
}
