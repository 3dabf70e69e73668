# The state of a long job: every file in its folder, of a long one the end; and whether it still runs.
# job.sh WORKDIR RUN JOB
WORKDIR=$1 RUN=$2 JOB=$3
for name in "$RUN" "$JOB"; do
    case $name in
        *[!A-Za-z0-9._-]* | '' | .*) fail "not the name of a run or job: $name" ;;
    esac
done
cd "$WORKDIR/.loomtui/runs/$RUN/job/$JOB" 2>/dev/null || exit 0 # it was never started
for name in *; do
    [ -f "$name" ] && [ -r "$name" ] || continue
    case $name in
        *[!A-Za-z0-9._-]* | url | curlrc | wget.err | etag) ;; # a presigned URL is a secret
        *) tail -c 16384 "$name" | emit "$name" ;;
    esac
done
if [ -f pid ]; then
    kill -0 "$(cat pid)" 2>/dev/null && say running yes || say running no
fi
