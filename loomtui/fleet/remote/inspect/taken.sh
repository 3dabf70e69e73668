# What this run has taken over from the live databases already.
# taken.sh WORKDIR RUN SET
# Prints `sums`, as sha256sum prints them, if it has; `lost` for each path of these that was another file.
job_folder=$1/.loomtui/runs/$2/job/$3
[ -f "$job_folder/taken" ] && [ -f "$job_folder/takes.done" ] || exit 0
emit sums <"$job_folder/takes.done"
while IFS= read -r path; do say lost "$path"; done <"$job_folder/lost"
