# Starts a job that outlives this connection: fetches one archive from S3, checks its SHA-256 and unpacks the
# wanted members into the run's folder. Standard input: the URL, the ETag, then the text of the job. An empty ETag
# asks for whatever is there: for stores that do not know If-Match. The job gives way to a node that runs beside it.
# fetch.sh WORKDIR RUN SET COMPRESSION SHA256 MEMBER...
WORKDIR=$1 RUN=$2 SET=$3
run_folder=$WORKDIR/.loomtui/runs/$RUN
job_folder=$run_folder/job/$SET
own_lock "$WORKDIR" "$RUN"
if [ -f "$job_folder/pid" ] && grep -qF "$job_folder/job.sh" "/proc/$(cat "$job_folder/pid")/cmdline" 2>/dev/null; then
    exit 0 # it was started before, and runs
fi
IFS= read -r url && IFS= read -r etag || fail "no URL on standard input"
mkdir -p "$job_folder" && cat >"$job_folder/job.sh" || fail "cannot write $job_folder"
rm -f "$job_folder/rc" "$job_folder/message" "$job_folder/pid" "$job_folder/http"
# Files that only root reads, not arguments: a presigned URL is a secret. The job takes them away at once.
etag=${etag#\"} etag=${etag%\"}
{
    printf 'url = "%s"\n' "$url"
    [ -z "$etag" ] || printf 'header = "If-Match: \\"%s\\""\n' "$etag"
} >"$job_folder/curlrc" &&
    printf '%s\n' "$url" >"$job_folder/url" && printf '%s\n' "$etag" >"$job_folder/etag" ||
    fail "cannot write in $job_folder"
shift 2
set -- sh "$job_folder/job.sh" "$run_folder" "$@"
for low in 'ionice -c 2 -n 7' 'nice -n 10'; do
    # shellcheck disable=SC2086 # words, not one: where the tool is missing, or refuses, the job runs without it
    ! $low true >/dev/null 2>&1 || set -- $low "$@"
done
if have systemd-run && [ "$(id -u)" = 0 ]; then
    # The default is 100. CPUWeight= is of systemd 232, IOWeight= of 230; what they are called before comes next.
    for weights in '-p CPUWeight=20 -p IOWeight=20' '-p CPUShares=200 -p BlockIOWeight=200' ''; do
        # shellcheck disable=SC2086 # words, not one
        if systemd-run --quiet --unit="loomtui-$RUN-$SET-$$" $weights "$@" >/dev/null 2>&1; then
            exit 0
        fi
    done
fi
setsid nohup "$@" </dev/null >/dev/null 2>&1 9>&- &
