# Keeps the clock from starting backup.sh: in a crontab its lines are commented out, a script of /etc/cron.daily and
# the like gets a name that run-parts passes over, a timer is held as a service is. put_back_jobs takes it back.
# suspend.sh WORKDIR RUN UNIT-FOLDER (KIND PLACE)...            KIND: crontab, script, timer
WORKDIR=$1 RUN=$2 UNIT_FOLDER=$3
run_folder=$WORKDIR/.loomtui/runs/$RUN
own_lock "$WORKDIR" "$RUN"
shift 3
held="# held by loomtui run $RUN: "

# note SLOT KIND PLACE MORE: what put_back_jobs is to put back.
note() {
    mkdir -p "$1" && printf '%s\n' "$2" "$3" "$4" >"$1/what.new" && keep "$1/what.new" "$1/what" ||
        fail "cannot write in $run_folder"
}

# crontab FILE SLOT: comments out the lines that start backup.sh.
crontab() {
    look_at_file "$1" ''
    [ -z "$fault" ] && [ -f "$real" ] || fail "$1 is left alone: $at is at fault (${fault:-absent})"
    set -- "$real" "$2" # behind a link: the link stays
    new=${1%/*}/.loomtui-new
    rm -f "$new" || fail "cannot write $1"
    if [ ! -f "$2/what" ]; then
        mkdir -p "$2" && cp -p "$1" "$2/file.new" && keep "$2/file.new" "$2/file" || fail "cannot keep a copy of $1"
        note "$2" crontab "$1" ""
    fi
    cp -p "$1" "$new" &&
        sed -E -e '/^[[:space:]]*#/b' -e '/backup[.]sh([^A-Za-z0-9._-]|$)/!b' -e "s/^/$held/" "$1" >"$new" &&
        keep "$new" "$1" || fail "cannot write $1"
}

# script FILE SLOT: gives it a name that run-parts passes over.
script() {
    hidden=${1%/*}/.${1##*/}.loomtui-$RUN
    [ -f "$2/what" ] || note "$2" script "$1" "$hidden"
    if is_there "$1"; then
        ! is_there "$hidden" || fail "$hidden is in the way"
        mv "$1" "$hidden" || fail "cannot rename $1"
    fi
}

# timer TIMER SLOT: holds it as a service is held.
timer() {
    hold=$UNIT_FOLDER/$1.d/99-loomtui-hold.conf
    [ -f "$2/what" ] || note "$2" timer "$1" "$hold"
    # shellcheck disable=SC2174 # the folder around it is that of the units, and there
    mkdir -p -m 755 "${hold%/*}" &&
        printf '%s\n[Unit]\nAssertPathExists=!/\n' "${held}a restore is not finished" >"${hold%/*}/.loomtui-new" &&
        chmod 644 "${hold%/*}/.loomtui-new" && keep "${hold%/*}/.loomtui-new" "$hold" || fail "cannot write $hold"
    systemctl daemon-reload && systemctl stop "$1" || fail "cannot stop $1"
}

while [ $# -ge 2 ]; do
    slot=$run_folder/jobs/$(printf '%s' "$1 $2" | sha256sum | cut -c 1-16)
    case $1 in
        crontab | script | timer) "$1" "$2" "$slot" ;;
        *) fail "no such kind: $1" ;;
    esac
    shift 2
done
