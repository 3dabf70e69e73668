# Unpacks the wanted members of a plain tar stream from standard input into the run's folder: for nodes that
# cannot fetch or decompress by themselves. The sender asks S3 for the very object of the plan (If-Match) and checks its CRC.
# relay.sh WORKDIR RUN SET MEMBER...
W=$1 RUN=$2 SET=$3
R=$W/.loomtui/runs/$RUN
own_lock "$W" "$RUN"
umask 077
shift 3
[ ! -e "$R/raw/$SET" ] || mv "$R/raw/$SET" "$R/raw/.$SET.$$" || die "cannot set aside an earlier try"
rm -rf "$R/raw/.$SET".*
mkdir -p "$R/raw/$SET" || die "cannot write in $R"
low=
! nice -n 10 true 2>/dev/null || low='nice -n 10' # it gives way to a node that runs beside it
$low tar -x -f - -C "$R/raw/$SET" --no-same-owner --no-overwrite-dir -- "$@" 2>"$R/relay.err" ||
    die "unpacking failed: $(head -n 1 "$R/relay.err")"
cat >/dev/null
sync -f "$R/raw/$SET" 2>/dev/null || sync
