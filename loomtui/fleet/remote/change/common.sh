# Shared by the scripts that change a node; comes after lib.sh and before each of them.
# Their arguments have names in capitals. What several of them derive: `run_folder`, the run's folder on the node.

# keep NEW FINAL: FINAL appears whole, and on the disk, or not at all.
keep() {
    { sync "$1" 2>/dev/null || sync; } && mv -f "$1" "$2"
}

# mark FILE: it appears, empty.
mark() {
    printf '' >"$1.new" && keep "$1.new" "$1" || fail "cannot write $1"
}

# holds_lock WORKDIR RUN: the lock of the node is this run's.
holds_lock() {
    grep -qF "\"run\": \"$2\"" "$1/.loomtui/lock" 2>/dev/null
}

# own_lock WORKDIR RUN: ends the script unless the lock is this run's and no other script of the run is at work.
own_lock() {
    holds_lock "$1" "$2" || fail "the lock of this run is gone from $1/.loomtui" 73
    # A script goes on when its connection is cut, or its loomtui killed: whoever resumes waits for its end.
    if have flock; then
        (: >"$1/.loomtui/runs/$2/busy") 2>/dev/null || fail "cannot write in $1/.loomtui/runs/$2"
        exec 9>"$1/.loomtui/runs/$2/busy"
        flock -w 100 9 || fail "an earlier script of this run is still at work on this node" 74
    fi
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

# held_and_stopped WORKDIR RUN UNIT HOLD-FILE: ends the script unless the files of the node can be moved.
held_and_stopped() {
    holds_unit "$2" "$4" || fail "the hold of $3 is gone: it could start while its files move" 74
    [ "$(unit_state "$3")" = stopped ] || fail "$3 is running; its files must not be moved" 74
    left=$(left_running "$3" "$1" | sed 's/^\([0-9]*\) [0-9]* [a-z]* /\1 /' | tr '\t\n' ' ;')
    [ -z "$left" ] || fail "processes of $3, or with its databases open, still run: ${left%;}" 74
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
                    cp -p "$place" "$new" && sed "s/^# held by loomtui run $2: //" "$place" >"$new" ||
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
