# What a restore would change, looked at beforehand: each place that could not be changed, and what is missing.
# places.sh WORKDIR HOLD-FILE USER (KIND WHAT)...
# KIND: file (is replaced), move (is renamed), state (a pattern of databases below WORKDIR), hold and timer (a drop-in is
# placed), crontab (is edited), staging (is set aside), program, user, group, signing (is reset), verify (systemd is
# asked about it).
# Prints `unfit`: KIND, WHAT, fault, where, with tabs between; what a link leads to; room; who has a database open.
WORKDIR=$1 HOLD=$2 SERVICE_USER=$3
shift 3
tab=$(printf '\t')

# tell KIND WHAT: says what is wrong with it, where something is.
tell() {
    [ -z "$fault" ] || say unfit "$1$tab$2$tab$fault$tab$at"
}

# look_at_work: the run's own folder lies in the working directory and on its disk.
look_at_work() {
    look_at_folder "$WORKDIR"
    home=$(canonical "$WORKDIR") || return 0
    mount_of "$home"
    home_mount=$mount
    for own in .loomtui .loomtui/runs; do
        [ -z "$fault" ] || return 0
        is_there "$WORKDIR/$own" || continue
        at=$WORKDIR/$own
        if [ -L "$at" ]; then
            fault=linked
        elif [ ! -d "$at" ]; then
            fault=no-folder
        elif { mount_of "$home/$own" && [ "$mount" != "$home_mount" ]; } || [ "$(stat -c %d "$at")" != "$device" ]; then
            fault=elsewhere
        else
            look_at_folder "$at"
        fi
    done
    if [ -z "$fault" ] && is_there "$WORKDIR/.loomtui/lock" && [ ! -f "$WORKDIR/.loomtui/lock" ]; then
        fault=special at=$WORKDIR/.loomtui/lock
    fi
    case $fault/$(stat -f -c %T "$WORKDIR") in
        /msdos | /vfat | /exfat | /fuseblk | /ntfs* | /cifs | /smb*) fault=plain at=$WORKDIR ;;
    esac
}

# look_at_state NAME: a database below the working directory can be swapped by one rename, and swapped back.
look_at_state() {
    look_at_move "$WORKDIR/$1"
    [ -z "$fault" ] || return 0
    at=$WORKDIR/$1
    if [ -L "$at" ] && [ ! -e "$at" ]; then
        fault=dangling at=$(readlink -- "$at")
        return
    fi
    near=$at
    while ! is_there "$near"; do near=${near%/*}; done # of one that is missing: where it will be put
    if [ ! -L "$near" ] && own_path "$near"; then
        place=$own_place
    else
        place=$(canonical "$near")
    fi
    [ -n "$place" ] || return 0
    mount_of "$place"
    if [ "$mount" != "$home_mount" ] || [ "$(stat -L -c %d "$near")" != "$device" ]; then
        fault=elsewhere at=$place
    fi
}

# look_at_staging FOLDER: as set_aside.sh judges it.
look_at_staging() {
    fault=$(staging_fault "$1" "$WORKDIR" | head -n 1) at=$1
    [ -n "$fault" ] || look_at_move "$1"
}

# look_at_drop_in FILE
look_at_drop_in() {
    look_at_file "$1" ''
    [ -z "$fault" ] && [ "$real" != "$1" ] || return 0
    fault=linked
}

# look_at_program FILE: the service's user can start it.
look_at_program() {
    fault='' at=$1
    if [ ! -f "$1" ]; then
        fault=absent
    elif [ ! -x "$1" ]; then
        fault=not-executable
    elif [ -n "$(account "$SERVICE_USER")" ]; then
        # Only a plain no counts: whether somebody can be another user here is another question.
        # shellcheck disable=SC2016 # that shell's own $1
        may=$(as_user "$SERVICE_USER" sh -c '[ -x "$1" ] && echo yes || echo no' sh "$1" 2>/dev/null </dev/null)
        [ "$may" != no ] || fault=not-executable
    fi
}

# look_at_verdict UNIT-FILE: what systemd says of it, as verify_unit.sh will ask it.
look_at_verdict() {
    fault=''
    have systemd-analyze && [ -f "$1" ] || return 0
    verdict=$(systemd-analyze verify "$1" 2>&1 </dev/null) && return
    fault=refused at=$(printf '%s' "$verdict" | head -n 1 | tr '\t' ' ')
}

# look_at_group NAME
look_at_group() {
    fault='' at=$1
    if have getent; then getent group "$1"; else grep -E "^($1:|[^:]*:[^:]*:$1:)" /etc/group; fi >/dev/null || fault=absent
}

# look_at_signing: the edit of signing.sh, tried without writing anything.
look_at_signing() {
    at=$WORKDIR/chaindata/config/priv_validator.json fault=''
    [ -f "$at" ] && [ -r "$at" ] || return 0
    fault=$(edit_fault "$(cat "$at")" "$(with_height 0 <"$at")" 0 | head -n 1)
}

# look_at_tools: what the scripts of a run need beyond the shell.
look_at_tools() {
    for tool in base64 chmod chown cp cut date df du find grep head ln mkdir mkfifo mv readlink rm rmdir sed sha256sum \
        sleep sort stat tail tar tee touch tr wc; do
        fault='' at=$tool
        have "$tool" || fault=absent
        tell tool "$tool"
    done
    # Another tar knows no --no-overwrite-dir, with which every archive is unpacked.
    fault='' at=tar
    ! have tar || tar --no-overwrite-dir --version >/dev/null 2>&1 || fault=not-gnu
    tell tool tar
}

# say_open: the processes that a stop of the service does not end, and that would keep it from being complete.
say_open() {
    unit=${HOLD%/*}
    unit=${unit##*/}
    left_running "${unit%.d}" "$WORKDIR" | grep -v '^[0-9]* [0-9]* told ' | while IFS= read -r process; do
        say open "$process"
    done
}

home=$WORKDIR home_mount=''
device=$(stat -L -c %d "$WORKDIR" 2>/dev/null)
look_at_tools
look_at_work
tell work "$WORKDIR"
say_spaces "$WORKDIR" "$HOLD"
say_open
say name.limit "$(stat -f -c %l "$WORKDIR" 2>/dev/null)"
while [ $# -ge 2 ]; do
    kind=$1 what=$2 fault='' at=$2
    shift 2
    case $kind in
        file)
            look_at_file "$what" "$SERVICE_USER"
            [ -n "$fault" ] || [ "$real" = "$what" ] || say link "$what$tab$real"
            [ -n "$fault" ] || [ ! -f "$real" ] || [ "$(stat -c %h "$real")" = 1 ] || say names "$what$tab$real"
            ;;
        unit | crontab) look_at_file "$what" '' ;;
        move) look_at_move "$what" ;;
        hold | timer) look_at_drop_in "$what" ;;
        verify) look_at_verdict "$what" ;;
        staging) look_at_staging "$what" ;;
        program) look_at_program "$what" ;;
        user) [ -n "$(account "$what")" ] || fault=absent ;;
        group) look_at_group "$what" ;;
        signing) look_at_signing ;;
        state)
            cd "$WORKDIR" 2>/dev/null || continue
            for name in $what; do # a pattern of ours: it holds no blanks, and what it stands for is not split
                case $name in *[!A-Za-z0-9._/-]* | '') continue ;; esac
                look_at_state "$name"
                tell state "$WORKDIR/$name"
                [ -n "$fault" ] || [ ! -L "$WORKDIR/$name" ] || say link "$WORKDIR/$name$tab$(canonical "$name")"
            done
            continue
            ;;
        *) fail "no such kind: $kind" ;;
    esac
    tell "$kind" "$what"
done
