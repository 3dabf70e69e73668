# Compares what was unpacked with what a manifest says of each file. Standard input: SHA-256 and path, as sha256sum
# prints them, LENGTH bytes.
# compare.sh WORKDIR RUN SET LENGTH
WORKDIR=$1 RUN=$2 SET=$3
run_folder=$WORKDIR/.loomtui/runs/$RUN
raw_folder=$run_folder/raw/$SET job_folder=$run_folder/job/$SET
own_lock "$WORKDIR" "$RUN"
mkdir -p "$job_folder" && cat >"$job_folder/sums" || fail "cannot write in $job_folder"
[ "$(wc -c <"$job_folder/sums")" = "$4" ] || fail "the list of files did not arrive whole"
odd=$(find "$raw_folder" ! -type f ! -type d | head -n 1)
[ -z "$odd" ] || fail "links or devices among what was unpacked: $odd"
find_digester
other=$(others "$raw_folder" "$job_folder/sums" | head -n 1)
[ -z "$other" ] || fail "not what the manifest says: $other"
: >"$job_folder/compared"
