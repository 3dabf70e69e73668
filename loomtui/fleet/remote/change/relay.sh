# Unpacks the wanted members of a plain tar stream from standard input into the run's folder: for nodes that
# cannot fetch or decompress by themselves. The sender asks S3 for the very object of the plan (If-Match) and checks its CRC.
# relay.sh WORKDIR RUN SET LIMIT MEMBER...                                       (LIMIT as fetch_job.sh has it)
# Status 6: what came cannot be unpacked.
WORKDIR=$1 RUN=$2 SET=$3 LIMIT=$4
run_folder=$WORKDIR/.loomtui/runs/$RUN
job_folder=$run_folder/job/$SET raw_folder=$run_folder/raw/$SET
own_lock "$WORKDIR" "$RUN"
shift 4
mkdir -p "$job_folder" || fail "cannot write in $run_folder"
forget_job "$job_folder"
rm -f "$job_folder/pieces" "$job_folder/taken" "$job_folder"/done.*
find_low_rights
make_raw_folder || fail "cannot write in $run_folder"
! nice -n 10 true 2>/dev/null || low="nice -n 10 $low" # it gives way to a node that runs beside it
watch_over "$LIMIT" 9>&-
# shellcheck disable=SC2034 # what comes before this file reads it
HAS_END=yes
extract "$@" <&0
# shellcheck disable=SC2086 # numbers
kill $watchers 2>/dev/null
if [ -e "$job_folder/first" ]; then
    read -r part ended <"$job_folder/first"
    case $part in
        tar) fail "unpacking failed: $(words_of "$job_folder/tar.err" "$ended")" 6 ;;
        limit) fail "more than $ended bytes were unpacked, and there is no room for more" ;;
        *) fail "cannot go on: only $ended are left free of $part" ;;
    esac
fi
sync_folder "$raw_folder"
