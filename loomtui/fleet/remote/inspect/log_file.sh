# A log file of the service. The first line tells how it is, the others are the file's own. Ends when standard input
# does.
# log_file.sh UNIT FILE USER NAMED-IN follow|once LINES|all
# USER is the service's own. NAMED-IN is `unit`, `script` or `config` (loom.yml). In the last two USER may have named any
# file, or may have laid a link on the way to one, so that root reads the file as USER. Loom writes over the file of
# `config` from its beginning at each start, so that it is read as far as the running process has come.
UNIT=$1 FILE=$2 USER=$3 NAMED_IN=$4 MODE=$5 COUNT=$6
MOST=16777216 # bytes, from the end

# roots_own FILE: no link leads to it, and no folder on the way is another's than root's.
roots_own() {
    way=$1
    [ "$(readlink -f "$way")" = "$way" ] || return 1
    while way=${way%/*} && [ -n "$way" ]; do
        [ "$(stat -c %u "$way")" = 0 ] || return 1
        [ "${way#*/}" != "$way" ] || break
    done
}

# reader: prints as whom the file is read; `-`: as whoever looks.
reader() {
    if [ "$(id -u)" != 0 ] && [ -r "$FILE" ]; then
        echo -
    elif [ "$NAMED_IN" = unit ] && roots_own "$FILE"; then
        echo -
    else
        name=$(account "$USER" | cut -d : -f 1) # runuser knows no numbers
        echo "${name:-$USER}"
    fi
}

# on_file COMMAND...
on_file() {
    if [ "$AS" = - ]; then "$@"; else as_user "$AS" "$@"; fi
}

# state: prints how the file is.
state() {
    if closed "$FILE"; then
        echo closed
    elif [ ! -e "$FILE" ]; then
        echo missing
    elif [ ! -f "$FILE" ]; then
        echo odd
    elif ! on_file test -r "$FILE"; then
        echo closed
    else
        echo good
    fi
}

# position: prints how many bytes of the file the running process has written, nothing where that is not known.
position() {
    true_path=$(readlink -f "$FILE") || return 0
    load_unit "$UNIT" MainPID && property MainPID
    main=${value:-0}
    for id in $({ unit_processes "$UNIT" && echo "$main"; } 2>/dev/null | sort -un); do
        for open in /proc/"$id"/fd/*; do
            [ "$(readlink "$open" 2>/dev/null)" = "$true_path" ] || continue
            sed -n 's/^pos:[[:space:]]*//p' "/proc/$id/fdinfo/${open##*/}" 2>/dev/null
            return 0
        done
    done
}

# last_lines: passes on the last lines of what it gets.
last_lines() {
    if [ "$COUNT" = all ]; then tail -c $MOST; else tail -n "$COUNT"; fi
}

# part FROM TO: prints these bytes.
part() {
    on_file tail -c "+$(($1 + 1))" "$FILE" | head -c $(($2 - $1))
}

# as_it_grows AT: prints what is written from there on. A smaller position is that of a process that began anew.
as_it_grows() {
    at=$1
    while sleep 1; do
        now=$(position)
        [ -n "$now" ] || continue
        [ "$now" -ge "$at" ] || at=0
        [ "$now" = "$at" ] || part "$at" "$now"
        at=$now
    done
}

follow_file() {
    if [ -z "$at" ]; then
        case $COUNT in
            all) on_file tail -c $MOST -F "$FILE" ;;
            *) on_file tail -n "$COUNT" -F "$FILE" ;;
        esac 2>/dev/null
    else
        part 0 "$at" | last_lines
        as_it_grows "$at"
    fi
}

AS=$(reader)
how=$(state)
modified=$(stat -L -c %Y "$FILE" 2>/dev/null || echo 0)
at=
[ "$NAMED_IN/$how" != config/good ] || at=$(position)
printf 'log %s %s %s %s\n' "$how" "$(date +%z)" "$modified" "${at:--}"
case $how/$MODE in good/* | missing/follow) ;; *) exit 0 ;; esac
if [ "$MODE" = once ]; then
    if [ -n "$at" ]; then part 0 "$at" | last_lines; else on_file tail -c $MOST "$FILE" | last_lines; fi
    exit 0
fi
exec 3<&0
follow_file </dev/null 3<&- &
follower=$!
{
    while read -r _; do :; done
    children=$(cat "/proc/$follower/task/$follower/children" 2>/dev/null)
    kill "$follower"
    for child in $children; do kill "$child"; done
} <&3 >/dev/null 2>&1 &
listener=$!
exec 3<&-
wait "$follower"
kill "$listener" 2>/dev/null
exit 0
