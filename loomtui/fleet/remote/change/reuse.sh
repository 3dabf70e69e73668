# Takes over what an earlier run on this node has unpacked of the same archive, by rename. Can be called again after any
# interruption. What a node has run with since is not taken.
# reuse.sh WORKDIR RUN SET HOW ID UNREAD-ID SHA256
# HOW: `staged` takes also what has its places already; `raw` takes only what lies as it was unpacked. ID: of the archive's
# version and of what is wanted of it. UNREAD-ID: the same of an archive of which all was unpacked because nobody had read it;
# what came must have had SHA256, unless that is `-`. Prints `reused`, the other run, if there was one.
WORKDIR=$1 RUN=$2 SET=$3 HOW=$4 ID=$5 UNREAD=$6 SHA256=$7
run_folder=$WORKDIR/.loomtui/runs/$RUN
own_lock "$WORKDIR" "$RUN"
mkdir -p "$run_folder/job/$SET" "$run_folder/raw" "$run_folder/stage" || fail "cannot write in $run_folder"

# is_of_it JOB-FOLDER: it has fetched all that is wanted of this archive.
is_of_it() {
    [ -f "$1/of" ] || return 1
    case $(cat "$1/of") in
        "$ID") ;;
        "$UNREAD") [ "$SHA256" = - ] || [ "$(cut -d ' ' -f 1 "$1/sha256" 2>/dev/null)" = "$SHA256" ] ;;
        *) return 1 ;;
    esac
}

# is_usable RUN-FOLDER: it holds all of this archive, as it was unpacked.
is_usable() {
    is_of_it "$1/job/$SET" && [ ! -d "$1/undone/$SET" ] && [ ! -f "$1/$SET.names" ] || return 1
    if [ -f "$1/$SET.staged" ]; then
        [ "$HOW" = staged ] && [ -d "$1/stage/$SET" ]
    else
        [ -d "$1/raw/$SET" ] && [ "$(cat "$1/job/$SET/rc" 2>/dev/null)" = 0 ]
    fi
}

# take_from RUN-FOLDER: in an order in which every interruption can be repeated; `rc`, by which a run knows that all is
# there, comes last. The other run loses its mark first: without what it marks, it would fetch again.
take_from() {
    [ ! -f "$1/$SET.staged" ] || : >"$1/job/$SET/compared"
    rm -f "$1/$SET.staged"
    for folder in raw stage; do
        [ -d "$1/$folder/$SET" ] || continue
        rm -rf "${run_folder:?}/$folder/$SET" && mv "$1/$folder/$SET" "$run_folder/$folder/$SET" ||
            fail "cannot take over $1/$folder/$SET"
    done
    for file in sha256 pieces compared; do
        [ ! -f "$1/job/$SET/$file" ] || cp "$1/job/$SET/$file" "$own/$file" || fail "cannot write in $own"
    done
    rm -f "$1/job/$SET/rc" "$1/job/$SET/of"
    echo 'done' >"$own/message" && echo 0 >"$own/rc.new" && keep "$own/rc.new" "$own/rc" || fail "cannot write in $own"
    rm -f "$own/reuses"
    say reused "${1##*/}"
}

own=$run_folder/job/$SET
printf '%s\n' "$ID" >"$own/of" || fail "cannot write in $own"
if [ -f "$own/reuses" ]; then
    take_from "$WORKDIR/.loomtui/runs/$(cat "$own/reuses")"
    exit 0
fi
[ ! -f "$own/rc" ] && [ ! -f "$own/pid" ] || exit 0 # it has fetched by itself
for other in "$WORKDIR/.loomtui/runs"/*; do
    [ "$other" != "$run_folder" ] && is_usable "$other" || continue
    printf '%s\n' "${other##*/}" >"$own/reuses" || fail "cannot write in $own"
    take_from "$other"
    exit 0
done
