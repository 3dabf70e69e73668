# Starts a job that outlives this connection: fetches pieces of a backup's twin from S3 and unpacks them into the run's
# folder. What an earlier job for the same pieces has brought stays. Standard input: URLS bytes (a line for each part),
# PIECES bytes and SUMS bytes (as parts_job.sh reads them), FOLDERS bytes (a folder a line), then the text of the job.
# fetch_parts.sh WORKDIR RUN SET URLS PIECES SUMS FOLDERS AT-ONCE
WORKDIR=$1 RUN=$2 SET=$3
run_folder=$WORKDIR/.loomtui/runs/$RUN
job_folder=$run_folder/job/$SET
own_lock "$WORKDIR" "$RUN"
! is_at_work "$job_folder" || exit 0
mkdir -p "$job_folder" && head -c "$4" >"$job_folder/urls" && head -c "$5" >"$job_folder/pieces.new" &&
    head -c "$6" >"$job_folder/sums" && head -c "$7" >"$job_folder/folders" && cat >"$job_folder/job.sh" ||
    fail "cannot write $job_folder"
[ -s "$job_folder/job.sh" ] || fail "the list of pieces did not arrive whole"
forget_job "$job_folder"
if ! cmp -s "$job_folder/pieces.new" "$job_folder/pieces" || [ ! -d "$run_folder/raw/$SET" ]; then
    rm -f "$job_folder"/done.*
    [ -f "$job_folder/taken" ] || : >"$job_folder/begins"
fi
mv -f "$job_folder/pieces.new" "$job_folder/pieces" || fail "cannot write in $job_folder"
start_job "loomtui-$RUN-$SET-$$" sh "$job_folder/job.sh" "$run_folder" "$SET" "$8"
