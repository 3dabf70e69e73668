# Starts a job that outlives this connection: fetches one archive from S3, checks its SHA-256 and unpacks the
# wanted members into the run's folder. Standard input: the URL, the ETag, then the text of the job. The job gives
# way to a node that runs beside it.
# fetch.sh WORKDIR RUN SET COMPRESSION SHA256 MEMBER...
W=$1 RUN=$2 SET=$3
R=$W/.loomtui/runs/$RUN
J=$R/job/$SET
own_lock "$W" "$RUN"
umask 077
if [ -f "$J/pid" ] && grep -qF "$J/job.sh" "/proc/$(cat "$J/pid")/cmdline" 2>/dev/null; then
    exit 0 # it was started before, and runs
fi
IFS= read -r url && IFS= read -r etag || die "no URL on standard input"
mkdir -p "$J" && cat >"$J/job.sh" || die "cannot write $J"
rm -f "$J/rc" "$J/message" "$J/pid"
# Files that only root reads, not arguments: a presigned URL is a secret. The job takes them away at once.
etag=${etag#\"} etag=${etag%\"}
printf 'url = "%s"\nheader = "If-Match: \\"%s\\""\n' "$url" "$etag" >"$J/curlrc" &&
    printf '%s\n' "$url" >"$J/url" && printf '%s\n' "$etag" >"$J/etag" || die "cannot write in $J"
shift 2
set -- sh "$J/job.sh" "$R" "$@"
for low in 'ionice -c 2 -n 7' 'nice -n 10'; do
    # Words, not one: where the tool is missing, or refuses, the job runs without it.
    ! $low true >/dev/null 2>&1 || set -- $low "$@"
done
if have systemd-run && [ "$(id -u)" = 0 ]; then
    # The default is 100. CPUWeight= is of systemd 232, IOWeight= of 230; what they are called before comes next.
    for weights in '-p CPUWeight=20 -p IOWeight=20' '-p CPUShares=200 -p BlockIOWeight=200' ''; do
        if systemd-run --quiet --unit="loomtui-$RUN-$SET-$$" $weights "$@" >/dev/null 2>&1; then
            exit 0
        fi
    done
fi
setsid nohup "$@" </dev/null >/dev/null 2>&1 9>&- &
