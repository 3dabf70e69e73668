# Starts a job that outlives this connection: fetches one archive from S3, checks its SHA-256 and unpacks the
# wanted members into the run's folder. Standard input: the URL, the ETag, then the text of the job. An empty ETag
# asks for whatever is there: for stores that do not know If-Match. The job gives way to a node that runs beside it.
# fetch.sh WORKDIR RUN SET COMPRESSION SHA256 SIZE LIMIT MEMBER...                 (as fetch_job.sh has them)
WORKDIR=$1 RUN=$2 SET=$3
run_folder=$WORKDIR/.loomtui/runs/$RUN
job_folder=$run_folder/job/$SET
own_lock "$WORKDIR" "$RUN"
! is_at_work "$job_folder" || exit 0
IFS= read -r url && IFS= read -r etag || fail "no URL on standard input"
mkdir -p "$job_folder" && cat >"$job_folder/job.sh" || fail "cannot write $job_folder"
forget_job "$job_folder"
rm -f "$job_folder/pieces" "$job_folder/taken" "$job_folder"/done.* # the raw folder begins empty
# A file that only root reads, not an argument: a presigned URL is a secret. The job takes it away at once.
etag=${etag#\"} etag=${etag%\"}
printf '%s\n' "$url" >"$job_folder/url" && printf '%s\n' "$etag" >"$job_folder/etag" ||
    fail "cannot write in $job_folder"
shift 2
start_job "loomtui-$RUN-$SET-$$" sh "$job_folder/job.sh" "$run_folder" "$@"
