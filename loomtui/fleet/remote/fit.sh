# Whether a place can be changed: the same words for the look before a plan and for the script that changes it.
# Comes after lib.sh, and before a script that needs it. Nothing here writes.
# Each look_at_… sets $fault to one word, empty where nothing is wrong, and $at to the place that is at fault.
# What is asked for every file of a node is asked once: most of them lie in two folders.
me='' mounts='' truly='' truly_of='' looked_folder='' looked_fault='' looked_at='' work_truly=''

# mount_of PATH: sets $mount to the mount point that a path without links lies on. Bind mounts of one disk are told
# apart: nothing can be renamed from one into another (rename(2), EXDEV), although their device is the same.
mount_of() {
    [ -n "$mounts" ] || mounts=$(cut -d ' ' -f 5 /proc/self/mountinfo 2>/dev/null)$newline
    mount=/ points=$mounts
    while [ -n "$points" ]; do
        point=${points%%"$newline"*}
        points=${points#*"$newline"}
        # The kernel writes blanks, line breaks and backslashes as \ooo (proc(5), mountinfo).
        case $point in *\\*) point=$(printf '%b' "$(printf '%s' "$point" | sed 's/\\/\\0/g')") ;; esac
        case $1/ in "$point"/*) [ "${#point}" -lt "${#mount}" ] || mount=$point ;; esac
    done
}

# is_mount_point PATH: a path without links is one.
is_mount_point() {
    mount_of "$1"
    [ "$mount" = "$1" ]
}

# canonical PATH: prints it without links and dots; the last part may be missing. Fails for what leads nowhere.
canonical() {
    readlink -f -- "$1" 2>/dev/null
}

# canonical_folder FOLDER: sets $truly to it without links.
canonical_folder() {
    [ "$1" != "$truly_of" ] || return 0
    truly_of=''
    truly=$(canonical "$1") || return 1
    truly_of=$1
}

# own_path PATH: sets $own_place to it with the folder that it lies in without links, and its own name as it is.
own_path() {
    canonical_folder "${1%/*}/" || return 1
    own_place=${truly%/}/${1##*/}
}

# look_at_attributes PATH: chattr(1) keeps root too from changing it. Without lsattr, what is immutable is only told as
# what root may not write, and what can be appended to is not told.
look_at_attributes() {
    me=${me:-$(id -u)}
    attributes=$(lsattr -d -- "$1" 2>/dev/null)
    case ${attributes%% *} in
        *i*) fault=immutable at=$1 ;;
        *a*) fault=append-only at=$1 ;;
        *) [ "$me" != 0 ] || [ -w "$1" ] || fault=unwritable at=$1 ;;
    esac
}

# look_at_folder FOLDER: something can be made, renamed and taken away in it, or in the nearest one that is there.
look_at_folder() {
    fault='' at=$1
    case $1 in
        /*) ;;
        *)
            fault=no-folder
            return
            ;;
    esac
    if [ "$1" = "$looked_folder" ]; then
        fault=$looked_fault at=$looked_at
        return
    fi
    while [ ! -e "${at:-/}" ] && [ ! -L "$at" ]; do at=${at%/*}; done
    at=${at:-/}
    if [ ! -d "$at" ]; then
        fault=no-folder
    else
        look_at_attributes "$at"
        [ -n "$fault" ] || [ -w "$at" ] || fault=unwritable
    fi
    looked_folder=$1 looked_fault=$fault looked_at=$at
}

# follow FILE: sets $real to what it leads to where it is a link, and $makers to the IDs of those who made the links
# on the way, also those of folders, except above $WORKDIR, which the operator has named. Fails for a loop.
follow() {
    makers='' steps=0 way='' rest=$1
    case $1 in
        "$WORKDIR"/?*)
            work_truly=${work_truly:-$(canonical "$WORKDIR" || printf '%s' "$WORKDIR")}
            way=$work_truly
            rest=${1#"$WORKDIR"/}
            ;;
    esac
    while [ -n "$rest" ]; do
        part=${rest%%/*}
        case $rest in */*) rest=${rest#*/} ;; *) rest='' ;; esac
        case $part in
            '' | .) ;;
            ..) way=${way%/*} ;;
            *)
                if [ -L "$way/$part" ]; then
                    steps=$((steps + 1))
                    [ "$steps" -le 40 ] || return 1
                    makers="$makers $(stat -c %u "$way/$part")"
                    next=$(readlink -- "$way/$part")
                    rest=$next${rest:+/$rest}
                    case $next in /*) way='' ;; esac
                else
                    way=$way/$part
                fi
                ;;
        esac
    done
    if [ -L "$1" ]; then real=${way:-/}; else real=$1; fi
}

# look_at_file FILE USER: it can be kept and replaced, through a link as well, and sets $real to the file itself.
# A link that the service's user made counts only where he may write himself: root writes nothing elsewhere for him.
look_at_file() {
    fault='' at=$1
    if ! follow "$1"; then
        fault=loop
        return
    fi
    if [ "$real" != "$1" ]; then
        at=$real
        real=$(canonical "$real")
        if [ -z "$real" ] || [ ! -d "${real%/*}/" ]; then
            real=$1 fault=dangling
            return
        fi
    fi
    at=$real
    for maker in $makers; do
        case $maker in 0 | "$(id -u)") continue ;; esac
        owner=$(stat -L -c %u "${real%/*}/" 2>/dev/null)
        [ -n "$2" ] && [ "$owner" = "$(account "$2" | cut -d : -f 3)" ] || fault=untrusted
    done
    [ -z "$fault" ] || return 0
    if [ -d "$real" ]; then
        fault=folder
    elif [ -e "$real" ] && [ ! -f "$real" ]; then
        fault=special
    elif [ -e "$real" ] && own_path "$real" && is_mount_point "$own_place"; then
        fault=mounted
    else
        [ ! -e "$real" ] || look_at_attributes "$real"
        [ -n "$fault" ] || look_at_folder "${real%/*}"
        for new in "${real%/*}"/.loomtui-new*; do
            [ -n "$fault" ] || [ ! -d "$new" ] || fault=in-the-way at=$new
        done
    fi
}

# look_at_move PATH: it can be renamed to another folder, and back.
look_at_move() {
    look_at_folder "${1%/*}"
    [ -z "$fault" ] || return 0
    if [ -e "$1" ] && [ ! -L "$1" ]; then
        look_at_attributes "$1"
        [ -n "$fault" ] || ! own_path "$1" || ! is_mount_point "$own_place" || fault=mounted at=$own_place
    fi
}

# staging_fault FOLDER WORKDIR: prints why the folder in which backup.sh stages is not set aside, one word.
staging_fault() {
    case $1/ in
        */../* | */./* | //*) echo no-folder ;;
        /*/*/)
            case $2/ in "$1"/*) echo holds-node ;; esac
            case $1/ in
                "$2"/.loomtui/* | "$2"/chaindata/* | "$2"/*db/* | "$2"/*.wal/* | "$2"/contracts/* | "$2"/config/*)
                    echo of-node
                    ;;
            esac
            ;;
        *) echo top ;;
    esac
}
