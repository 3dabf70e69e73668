# Gives a job that asks for it a URL that is good for longer. Standard input: the URL.
# fetch_url.sh WORKDIR RUN SET
WORKDIR=$1 RUN=$2 SET=$3
job_folder=$WORKDIR/.loomtui/runs/$RUN/job/$SET
own_lock "$WORKDIR" "$RUN"
IFS= read -r url || fail "no URL on standard input"
[ -f "$job_folder/asks" ] || exit 0 # it was given one, or has ended
printf '%s\n' "$url" >"$job_folder/url.new" && mv -f "$job_folder/url.new" "$job_folder/url" ||
    fail "cannot write in $job_folder"
