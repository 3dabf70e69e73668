# Shared by the scripts that change a node; comes before each of them.
die() {
    case $1 in
    cannot*) printf '%s%s\n' "$1" "$(why "${W:-}" "${HOLD:-}" "${TARGET:-}")" >&2 ;;
    *) printf '%s\n' "$1" >&2 ;;
    esac
    exit "${2:-1}"
}
why() { # PATH... -> what keeps files from being written there, where the disk is to blame
    for place; do
        while [ -n "$place" ] && [ ! -d "$place" ]; do
            case $place in */*) place=${place%/*} ;; *) place= ;; esac
        done
        [ -n "$place" ] || continue
        if [ ! -w "$place" ]; then # also root may not where all is read-only
            printf ': its disk is read-only (dmesg says why), or %s may not be written' "$place"
            return
        elif [ "$(df -Pk "$place" | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)" -lt 64 ]; then
            printf ': no space is left on the disk of %s; make room there' "$place"
            return
        fi
    done
}
# keep NEW FINAL: FINAL appears whole, and on the disk, or not at all.
keep() { { sync "$1" 2>/dev/null || sync; } && mv -f "$1" "$2"; }
mark() { printf '' >"$1.new" && keep "$1.new" "$1" || die "cannot write $1"; } # FILE: appears, empty
own_lock() { # WORKDIR RUN
    grep -qF "\"run\": \"$2\"" "$1/.loomtui/lock" 2>/dev/null || die "the lock of this run is gone from $1/.loomtui" 73
    # A script goes on when its connection is cut, or its loomtui killed: whoever resumes waits for its end.
    if command -v flock >/dev/null 2>&1; then
        (: >"$1/.loomtui/runs/$2/busy") 2>/dev/null || die "cannot write in $1/.loomtui/runs/$2"
        exec 9>"$1/.loomtui/runs/$2/busy"
        flock -w 100 9 || die "an earlier script of this run is still at work on this node" 74
    fi
}
unit_state() { # UNIT -> stopped | running
    # Not `is-active`: a unit that waits for its next restart would count as stopped.
    case $(systemctl show "$1" -p ActiveState -p MainPID | tr '\n' ' ') in
    *MainPID=[1-9]*) echo running ;;
    *ActiveState=inactive* | *ActiveState=failed*) echo stopped ;;
    *) echo running ;;
    esac
}
held_and_stopped() { # WORKDIR RUN UNIT HOLD-FILE
    grep -qF "run $2:" "$4" 2>/dev/null || die "the hold of $3 is gone: it could start while its files move" 74
    [ "$(unit_state "$3")" = stopped ] || die "$3 is running; its files must not be moved" 74
    left=$(left_running "$3" "$1" | sed 's/^\([0-9]*\) [0-9]* [a-z]* /\1 /' | tr '\t\n' ' ;')
    [ -z "$left" ] || die "processes of $3, or with its databases open, still run: ${left%;}" 74
}
is_there() { [ -e "$1" ] || [ -L "$1" ]; } # also a link that leads nowhere
expand() { # PATTERN -> the names in the current folder that match, one a line
    for found in $1; do
        case $found in *"$newline"*) continue ;; esac # no database of Loom's; it would count as two names
        if is_there "$found"; then printf '%s\n' "$found"; fi
    done
}
put_back_jobs() { # WORKDIR RUN: what suspend.sh took away. Where somebody changed a crontab since, that stays.
    for what in "$1/.loomtui/runs/$2"/jobs/*/what; do
        [ -f "$what" ] || continue
        { read -r kind && read -r place && read -r more; } <"$what" || die "cannot read $what"
        case $kind in
        crontab)
            if [ -f "$place" ] && [ ! -L "$place" ]; then
                new=${place%/*}/.loomtui-new
                cp -p "$place" "$new" && sed "s/^# held by loomtui run $2: //" "$place" >"$new" || die "cannot write $place"
                ! cmp -s "$new" "${what%/*}/file" || touch -r "${what%/*}/file" "$new"
                keep "$new" "$place" || die "cannot write $place"
            fi ;;
        script) is_there "$place" || ! is_there "$more" || mv "$more" "$place" || die "cannot rename $more" ;;
        timer)
            if [ -f "$more" ]; then
                rm -f "$more" && { rmdir "${more%/*}" 2>/dev/null || :; } || die "cannot remove $more"
            fi
            systemctl daemon-reload && systemctl start "$place" || say lost "$place" ;; # it is no more
        esac
        mv -f "$what" "${what%/*}/back" || die "cannot write in ${what%/*}"
        say back "$place"
    done
}
