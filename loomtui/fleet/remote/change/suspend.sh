# Keeps the clock from starting backup.sh: in a crontab its lines are commented out, a script of /etc/cron.daily and
# the like gets a name that run-parts passes over, a timer is held as a service is. put_back_jobs takes it back.
# suspend.sh WORKDIR RUN UNIT-FOLDER (KIND PLACE)...            KIND: crontab, script, timer
W=$1 RUN=$2 UNITS=$3
R=$W/.loomtui/runs/$RUN
own_lock "$W" "$RUN"
umask 077
shift 3
held="# held by loomtui run $RUN: "
note() { # SLOT KIND PLACE MORE
    mkdir -p "$1" && printf '%s\n' "$2" "$3" "$4" >"$1/what.new" && keep "$1/what.new" "$1/what" ||
        die "cannot write in $R"
}
crontab() { # FILE SLOT
    [ -f "$1" ] && [ ! -L "$1" ] || die "$1 is no regular file; it is left alone"
    new=${1%/*}/.loomtui-new
    if [ ! -f "$2/what" ]; then
        mkdir -p "$2" && cp -p "$1" "$2/file.new" && keep "$2/file.new" "$2/file" || die "cannot keep a copy of $1"
        note "$2" crontab "$1" ""
    fi
    cp -p "$1" "$new" && sed -E -e '/^[[:space:]]*#/b' -e '/backup[.]sh([^A-Za-z0-9._-]|$)/!b' -e "s/^/$held/" "$1" >"$new" &&
        keep "$new" "$1" || die "cannot write $1"
}
script() { # FILE SLOT
    hidden=${1%/*}/.${1##*/}.loomtui-$RUN
    [ -f "$2/what" ] || note "$2" script "$1" "$hidden"
    if is_there "$1"; then
        ! is_there "$hidden" || die "$hidden is in the way"
        mv "$1" "$hidden" || die "cannot rename $1"
    fi
}
timer() { # TIMER SLOT
    hold=$UNITS/$1.d/99-loomtui-hold.conf
    [ -f "$2/what" ] || note "$2" timer "$1" "$hold"
    mkdir -p -m 755 "${hold%/*}" && printf '%s\n[Unit]\nAssertPathExists=!/\n' "${held}a restore is not finished" >"${hold%/*}/.loomtui-new" &&
        chmod 644 "${hold%/*}/.loomtui-new" && keep "${hold%/*}/.loomtui-new" "$hold" || die "cannot write $hold"
    systemctl daemon-reload && systemctl stop "$1" || die "cannot stop $1"
}
while [ $# -ge 2 ]; do
    slot=$R/jobs/$(printf '%s' "$1 $2" | sha256sum | cut -c 1-16)
    case $1 in
    crontab | script | timer) "$1" "$2" "$slot" ;;
    *) die "no such kind: $1" ;;
    esac
    shift 2
done
