# Starts a job that outlives this connection: fetches one archive from S3, checks its SHA-256 and unpacks the
# wanted members into the run's folder. Standard input: the URL, the ETag, then the text of the job.
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
name=loomtui-$RUN-$SET
if command -v systemd-run >/dev/null 2>&1 && [ "$(id -u)" = 0 ] &&
    systemd-run --quiet --unit="$name-$$" -p IOWeight=50 -p CPUWeight=50 "$@" >/dev/null 2>&1; then
    exit 0
fi
setsid nohup "$@" </dev/null >/dev/null 2>&1 9>&- &
