# Shared by the scripts that change a node; comes after lib.sh and before each of them.
# Their arguments have names in capitals. What several of them derive: `run_folder`, the run's folder on the node.

# Where a run was taken over, its later scripts name its generation: RUN/NUMBER-TOKEN. It is taken off here, so the scripts
# that come after this one know the run as they always did.
case ${2:-} in
    *[!0-9a-f/-]* | */*/*) ;;
    [0-9]*-[0-9]*-*/[0-9]*-*)
        work=$1 generation=${2#*/} named=${2%%/*}
        shift 2
        set -- "$work" "$named" "$@"
        ;;
esac

# A part of a record may have as many bytes.
RECORD_LIMIT=8388608

# keep NEW FINAL: FINAL appears whole, and on the disk, or not at all.
keep() {
    { sync "$1" 2>/dev/null || sync; } && mv -f "$1" "$2"
}

# mark FILE: it appears, empty.
mark() {
    printf '' >"$1.new" && keep "$1.new" "$1" || fail "cannot write $1"
}

# holds_lock WORKDIR RUN: the lock of the node is this run's, and of the generation that this script is of.
holds_lock() {
    grep -qF "\"run\": \"$2${generation:+/$generation}\"" "$1/.loomtui/lock" 2>/dev/null
}

# holds_run WORKDIR RUN: the lock of the node is this run's, of whatever generation.
holds_run() {
    grep -qF -e "\"run\": \"$2\"" -e "\"run\": \"$2/" "$1/.loomtui/lock" 2>/dev/null
}

# is_superseded RUN-FOLDER: a later generation has claimed the run. The claims stay when the lock is given back.
is_superseded() {
    number=${generation%%-*}
    for claim in "$1"/taken.*; do
        [ -f "$claim" ] || continue
        case ${claim##*.} in *[!0-9]* | '' | ??????????*) continue ;; esac
        [ "${claim##*.}" -le "${number:-1}" ] || return 0
    done
    return 1
}

# see_lock WORKDIR RUN: ends the script unless the lock is this run's. Status 78: the run was taken over.
see_lock() {
    if holds_lock "$1" "$2"; then return; fi
    if holds_run "$1" "$2" || is_superseded "$1/.loomtui/runs/$2"; then
        fail "this run was taken over from another machine: from there alone it is carried on" 78
    fi
    fail "the lock of this run is gone from $1/.loomtui" 73
}

# own_lock WORKDIR RUN: ends the script unless the lock is this run's and no other script of the run is at work.
# A batch of scripts sets $lock_owned: it is at work as one.
own_lock() {
    see_lock "$1" "${2%%/*}"
    # A script goes on when its connection is cut, or its loomtui killed: whoever resumes waits for its end.
    if [ -z "${lock_owned:-}" ] && have flock; then
        (: >"$1/.loomtui/runs/${2%%/*}/busy") 2>/dev/null || fail "cannot write in $1/.loomtui/runs/${2%%/*}"
        exec 9>"$1/.loomtui/runs/${2%%/*}/busy"
        flock -w 100 9 || fail "an earlier script of this run is still at work on this node" 74
        see_lock "$1" "${2%%/*}" # the run may have been taken over while this script waited
    fi
}

# one_at_a_time RUN-FOLDER: a record is written by one script at a time, and by none while the run is taken over.
one_at_a_time() {
    have flock || return 0
    exec 8>"$1/taking" || fail "cannot write in $1"
    flock -w 20 8 || fail "another script writes the record of this run" 74
}

# keep_record RUN-FOLDER [NAME OFFSET LENGTH]...: of each part, that many bytes of standard input come behind the first
# OFFSET that are there. It is there whole, or as it was before.
keep_record() {
    record=$1/record
    shift
    [ ! -L "$record" ] || fail "$record is a symbolic link"
    mkdir -p "$record" || fail "cannot write in $record"
    while [ $# -ge 3 ]; do
        case $1 in
            plan.yml | plan.yml.sig | first-plan.yml | first-plan.yml.sig | inventory.yml | journal.jsonl) ;;
            *) fail "not a part of a record: $1" ;;
        esac
        case $2$3 in *[!0-9]* | '' | ??????????????????*) fail "no lengths: $2, $3" ;; esac
        [ "$(($2 + $3))" -le "$RECORD_LIMIT" ] || fail "a part of a record is too long: $1"
        rm -f "$record/$1.new"
        { [ "$2" = 0 ] || head -c "$2" "$record/$1" && head -c "$3"; } >"$record/$1.new" || fail "cannot write in $record"
        [ "$(wc -c <"$record/$1.new")" = "$(($2 + $3))" ] || fail "a part of the record did not arrive whole: $1"
        keep "$record/$1.new" "$record/$1" || fail "cannot write in $record"
        shift 3
    done
}

# unit_state UNIT: prints `stopped` or `running`.
# Not `is-active`: a unit that waits for its next restart would count as stopped.
unit_state() {
    case $(systemctl show "$1" -p ActiveState -p MainPID | tr '\n' ' ') in
        *MainPID=[1-9]*) echo running ;;
        *ActiveState=inactive* | *ActiveState=failed*) echo stopped ;;
        *) echo running ;;
    esac
}

# holds_unit RUN HOLD-FILE: the hold of the unit is there, and this run's.
holds_unit() {
    grep -qF "run $1:" "$2" 2>/dev/null
}

# How many seconds somebody who has the databases open is waited for when they are to be moved.
READER_SECONDS=20

# held_and_stopped WORKDIR RUN UNIT HOLD-FILE: ends the script unless the files of the node can be moved.
held_and_stopped() {
    tries=$READER_SECONDS
    while :; do
        holds_unit "$2" "$4" || fail "the hold of $3 is gone: it could start while its files move" 74
        [ "$(unit_state "$3")" = stopped ] || fail "$3 is running; its files must not be moved" 74
        left=$(left_running "$3" "$1")
        # A backup job wakes up when the chain stands, and reads what is there, with one program after the other.
        [ -n "$left" ] && [ "$tries" -gt 0 ] || break
        tries=$((tries - 1))
        sleep 1
    done
    [ -n "$left" ] || return 0
    left=$(printf '%s' "$left" | sed 's/^\([0-9]*\) [0-9]* [a-z]* /\1 /' | tr '\t\n' ' ;')
    fail "processes of $3, or with its databases open, still run: ${left%;}" 74
}

# expand PATTERN: prints the names in the current folder that match, one a line.
expand() {
    for match in $1; do
        case $match in *"$newline"*) continue ;; esac # no database of Loom's; it would count as two names
        if is_there "$match"; then printf '%s\n' "$match"; fi
    done
}

# sync_folder FOLDER: all that lies on its file system is on the disk.
sync_folder() {
    sync -f "$1" 2>/dev/null || sync
}

# put_back_jobs WORKDIR RUN: what suspend.sh took away. Where somebody changed a crontab since, that stays.
put_back_jobs() {
    for what in "$1/.loomtui/runs/$2"/jobs/*/what; do
        [ -f "$what" ] || continue
        { read -r kind && read -r place && read -r more; } <"$what" || fail "cannot read $what"
        case $kind in
            crontab)
                if [ -f "$place" ] && [ ! -L "$place" ]; then
                    new=${place%/*}/.loomtui-new
                    rm -f "$new" && cp -p "$place" "$new" && sed "s/^# held by loomtui run $2: //" "$place" >"$new" ||
                        fail "cannot write $place"
                    ! cmp -s "$new" "${what%/*}/file" || touch -r "${what%/*}/file" "$new"
                    keep "$new" "$place" || fail "cannot write $place"
                fi
                ;;
            script) is_there "$place" || ! is_there "$more" || mv "$more" "$place" || fail "cannot rename $more" ;;
            timer)
                if [ -f "$more" ]; then
                    rm -f "$more" && { rmdir "${more%/*}" 2>/dev/null || :; } || fail "cannot remove $more"
                fi
                systemctl daemon-reload && systemctl start "$place" || say lost "$place" # it is no more
                ;;
        esac
        mv -f "$what" "${what%/*}/back" || fail "cannot write in ${what%/*}"
        say back "$place"
    done
}
