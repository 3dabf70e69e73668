# backup.sh at work, what starts it by the clock, what a run has suspended of that, and where it stages.
# backup_jobs.sh UNIT-FILE WORKDIR             crontabs and timers are looked for in the /etc that the unit lies in
UNIT_FILE=$1 WORKDIR=$2
case $UNIT_FILE in
    */etc/systemd/system/*) top=${UNIT_FILE%/etc/systemd/system/*} ;;
    *) top= ;;
esac

# A line that starts backup.sh, or a copy of it of another first name: an extended regular expression.
backup_line='backup[.]sh([^A-Za-z0-9._-]|$)'

# backup_lines FILE: the lines of a crontab that start backup.sh; those that are commented out do not.
backup_lines() {
    grep -E "$backup_line" "$1" 2>/dev/null | grep -v '^[[:space:]]*#'
}

# runs_backup PID: the process is a shell that runs backup.sh, not one that only names it.
runs_backup() {
    tr '\0' '\n' <"/proc/$1/cmdline" 2>/dev/null | {
        IFS= read -r word || exit 1
        case ${word##*/} in sh | ash | bash | dash | ksh | zsh) ;; *) exit 1 ;; esac
        while IFS= read -r word; do
            case $word in
                --*) ;;
                -*c*) exit 1 ;;
                -*) ;;
                *backup.sh) exit 0 ;;
                *) exit 1 ;;
            esac
        done
        exit 1
    }
}

ticks=$(getconf CLK_TCK 2>/dev/null) || ticks=100
read -r uptime rest </proc/uptime

# shellcheck disable=SC2013 # no such name holds a blank
for file in $(grep -la 'backup[.]sh' /proc/[0-9]*/cmdline 2>/dev/null); do
    pid=${file#/proc/}
    pid=${pid%/cmdline}
    [ -z "$top" ] || grep -qaF "$top/" "$file" 2>/dev/null || continue # of another machine in another folder
    if runs_backup "$pid" && process_stat "$pid"; then
        age=$((${uptime%.*} - start / ticks))
        say process "$pid:$start $age $(tr '\0' ' ' <"$file" 2>/dev/null)"
    fi
done

IFS=$newline
# One grep for many files: most nodes have many units, and none that counts.
# shellcheck disable=SC2013 # only line breaks split here, and names with odd characters are passed over
for file in $(grep -lsE "$backup_line" "$top/etc/crontab" "$top/etc/anacrontab" "$top/etc/cron.d"/* \
    "$top/var/spool/cron"/* "$top/var/spool/cron/crontabs"/*); do
    case $file in "$top"/*[!A-Za-z0-9/._-]*) continue ;; esac
    [ -f "$file" ] || continue
    backup_lines "$file" | while IFS= read -r line; do
        say crontab "$file $line"
    done
done
if [ "$(id -u)" != 0 ] && have crontab; then # others' crontabs cannot be read
    crontab -l 2>/dev/null </dev/null | grep -E "$backup_line" | grep -v '^[[:space:]]*#' |
        while IFS= read -r line; do say crontab "crontab $line"; done
fi
for file in "$top/etc"/cron.hourly/*backup.sh "$top/etc"/cron.daily/*backup.sh "$top/etc"/cron.weekly/*backup.sh \
    "$top/etc"/cron.monthly/*backup.sh $(grep -lsE "$backup_line" "$top/etc"/cron.hourly/* "$top/etc"/cron.daily/* \
        "$top/etc"/cron.weekly/* "$top/etc"/cron.monthly/*); do
    case $file in "$top"/*[!A-Za-z0-9/._-]*) continue ;; esac
    [ -f "$file" ] && [ -x "$file" ] || continue
    case $file in
        *backup.sh) say script "$file" ;;
        *) [ -z "$(backup_lines "$file")" ] || say script "$file" ;;
    esac
done

set -- "$top/etc/systemd/system"
[ -n "$top" ] || set -- "$1" /run/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system
for file in $(for folder; do grep -lsE "^[[:space:]]*ExecStart(Pre)?=.*$backup_line" "$folder"/*.service; done); do
    service=${file##*/}
    case $service in *[!A-Za-z0-9:_.@-]*) continue ;; esac
    for timer in "${service%.service}.timer" $(for folder; do
        grep -lsxE "[[:space:]]*Unit=${service}[[:space:]]*" "$folder"/*.timer
    done); do
        timer=${timer##*/}
        case $timer in *[!A-Za-z0-9:_.@-]*) continue ;; esac
        case $(systemctl show "$timer" -p ActiveState 2>/dev/null </dev/null) in
            ActiveState=active) say timer "$timer $service" ;;
        esac
    done
done

for what in "$WORKDIR"/.loomtui/runs/*/jobs/*/what; do
    [ ! -f "$what" ] || say suspended "$(head -n 2 "$what" | tr '\n' ' ')"
done

for note in "$WORKDIR"/.loomtui/runs/*/staging; do
    [ ! -f "$note" ] || {
        note=${note%/staging}
        say aside "${note##*/}"
    }
done

# Where backup.sh stages: as it or its settings say. They are a program, so only a plain line of them counts.
staging=/tmp/loom-bu-stage
for file in "$top/home"/*/backup.sh "$WORKDIR/backup.sh" "$top/home"/*/backup_config "$WORKDIR/backup_config" \
    "$top/etc/backup_config" "$top/home"/*/.backup_config "$top/root/.backup_config" "$WORKDIR/.backup_config"; do
    [ -f "$file" ] && [ -r "$file" ] || continue
    named=$(sed -nE "s/^[[:space:]]*TMP_LOCATION=[\"']?(\/[A-Za-z0-9._\/-]+)[\"']?[[:space:]]*(#.*)?$/\1/p" "$file" | tail -n 1)
    staging=${named:-$staging}
done
case $staging in
    "$top"/*) ;;
    *) staging=$top$staging ;;
esac
for name in chaindata app.db genesis.json loom.yml; do
    if [ -e "$staging/$name" ]; then
        say staging "$staging"
        break
    fi
done
