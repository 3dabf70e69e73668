# Notes that all of an archive was relayed and unpacked, as the job on the node notes it for one that it has fetched.
# relayed.sh WORKDIR RUN SET SHA256
WORKDIR=$1 RUN=$2 SET=$3 SHA256=$4
job_folder=$WORKDIR/.loomtui/runs/$RUN/job/$SET
own_lock "$WORKDIR" "$RUN"
mkdir -p "$job_folder" && rm -f "$job_folder/rc" && printf '%s\n' "$SHA256" >"$job_folder/sha256" &&
    echo 'done' >"$job_folder/message" && echo 0 >"$job_folder/rc.new" && keep "$job_folder/rc.new" "$job_folder/rc" ||
    fail "cannot write in $job_folder"
