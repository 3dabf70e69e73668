# The runs that this node knows: who holds it, and of each run what a list needs. With RUN also the whole record of that one.
# runs.sh UNIT WORKDIR [RUN]
# Prints `now` (seconds), `dir`, `lock`; `closed` where nothing of it may be read; of each run `run`, and below its name:
# `alive` (when the sign of life was renewed, in seconds), `claimed` (the highest number of a take-over), `stopped` and
# `changed` (the run stopped the service, replaced files), `lines`, `first` and `last` of its journal, `odd` (a path that
# another than the scripts' own user made), and `part/NAME`.
UNIT=$1 WORKDIR=$2 RUN=${3:-}
RECORD_LIMIT=8388608
MOST=20 # of the latest runs

# is_own PATH: it is of the user that loomtui's scripts run as. Nobody else can make such a one there.
is_own() {
    [ ! -L "$1" ] && [ "$(stat -c %u "$1" 2>/dev/null)" = "$own_user" ]
}

# say_marks NAME RUN-FOLDER: what the run did on this node.
say_marks() {
    [ ! -f "$2/was" ] || say "$1/stopped" yes
    for mark in "$2"/data.names "$2"/data.given_up "$2"/replaced/files/*/was; do
        [ ! -f "$mark" ] || say "$1/changed" yes
    done
    [ ! -f "$2/alive" ] || say "$1/alive" "$(stat -c %Y "$2/alive")"
    for claim in "$2"/taken.*; do
        [ ! -f "$claim" ] || say "$1/claimed" "${claim##*.}"
    done
}

# say_record NAME RUN-FOLDER
say_record() {
    for part in "$2" "$2/record" "$2/record/plan.yml" "$2/record/inventory.yml" "$2/record/journal.jsonl"; do
        [ -e "$part" ] || return 0
        is_own "$part" || {
            say "$1/odd" "$part"
            return 0
        }
    done
    say "$1/lines" "$(wc -l <"$2/record/journal.jsonl")"
    head -n 1 "$2/record/journal.jsonl" | head -c 16384 | emit "$1/first"
    tail -c 16384 "$2/record/journal.jsonl" | emit "$1/last"
    [ "$1" = "$RUN" ] || return 0
    for part in plan.yml plan.yml.sig first-plan.yml first-plan.yml.sig inventory.yml journal.jsonl; do
        [ -f "$2/record/$part" ] && is_own "$2/record/$part" || continue
        [ "$(stat -c %s "$2/record/$part")" -gt "$RECORD_LIMIT" ] || emit "$1/part/$part" <"$2/record/$part"
    done
}

load_unit "$UNIT" WorkingDirectory,User || :
working_directory "$WORKDIR"
own_user=$(id -u)
own=$dir/.loomtui
say now "$(date +%s)"
say dir "$dir"
[ -e "$own" ] || exit 0
if [ ! -r "$own" ] || [ ! -x "$own" ]; then
    say closed yes
    exit 0
fi
[ ! -f "$own/lock" ] || head -c 4096 "$own/lock" | emit lock
set -- "$own/runs"/*
while [ $# -gt "$MOST" ]; do shift; done
for folder; do
    name=${folder##*/}
    case $name in *[!0-9a-f-]*) continue ;; ????????-??????-????) ;; *) continue ;; esac
    [ -d "$folder" ] || continue
    say run "$name"
    say_marks "$name" "$folder"
    if is_own "$own" && is_own "$own/runs"; then say_record "$name" "$folder"; else say "$name/odd" "$own"; fi
done
