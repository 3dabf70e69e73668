# Unpacks the wanted members of a plain tar stream from standard input into the run's folder: for nodes that
# cannot fetch or decompress by themselves. The sender asks S3 for the very object of the plan (If-Match) and checks its CRC.
# relay.sh WORKDIR RUN SET MEMBER...
WORKDIR=$1 RUN=$2 SET=$3
run_folder=$WORKDIR/.loomtui/runs/$RUN
own_lock "$WORKDIR" "$RUN"
shift 3
[ ! -e "$run_folder/raw/$SET" ] || mv "$run_folder/raw/$SET" "$run_folder/raw/.$SET.$$" ||
    fail "cannot set aside an earlier try"
rm -rf "$run_folder/raw/.$SET".*
mkdir -p "$run_folder/raw/$SET" || fail "cannot write in $run_folder"
low=
! nice -n 10 true 2>/dev/null || low='nice -n 10' # it gives way to a node that runs beside it
$low tar -x -f - -C "$run_folder/raw/$SET" --no-same-owner --no-overwrite-dir -- "$@" 2>"$run_folder/relay.err" ||
    fail "unpacking failed: $(head -n 1 "$run_folder/relay.err")"
cat >/dev/null
sync_folder "$run_folder/raw/$SET"
