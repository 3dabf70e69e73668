# What a run has left on this node so far: its marks, the digests of the files it may have replaced, free space.
# run_state.sh WORKDIR RUN UNIT HOLD-FILE FILE...
WORKDIR=$1 RUN=$2 UNIT=$3 HOLD=$4
run_folder=$WORKDIR/.loomtui/runs/$RUN
shift 4

# say_fetched JOB-FOLDER: bytes that came from S3 so far, and what the job is waiting for, where it waits.
say_fetched() {
    sum=0 seen=
    for notes in "$1"/done.* "$1"/*.fetched "$1"/*.tee "$1"/piece.*/*.fetched "$1"/piece.*/*.tee; do
        [ -f "$notes" ] && seen=1 && read -r id <"$notes" || continue
        case $notes in
            # What the process that copies has read by now; without root rights nobody tells.
            *.tee) sum=$((sum + $(sed -n 's/^rchar: //p' "/proc/$id/io" 2>/dev/null | grep . || echo 0))) ;;
            *) sum=$((sum + id)) ;;
        esac
    done
    [ -z "$seen" ] || say "fetched.$set" "$sum"
    for notes in "$1"/*.trouble "$1"/piece.*/*.trouble; do
        [ ! -s "$notes" ] || emit "trouble.$set" <"$notes"
    done
}
[ ! -f "$WORKDIR/.loomtui/lock" ] || emit lock <"$WORKDIR/.loomtui/lock"
[ ! -f "$HOLD" ] || emit hold <"$HOLD"
[ ! -f "$run_folder/was" ] || emit was <"$run_folder/was"
[ ! -f "$run_folder/data.given_up" ] || emit given_up <"$run_folder/data.given_up"
for mark in data.staged config.staged data.names data.away data.swapped; do
    [ ! -f "$run_folder/$mark" ] || say mark "$mark"
done
for slot in "$run_folder"/replaced/files/*/was; do
    [ ! -f "$slot" ] || {
        slot=${slot%/was}
        say slot "${slot##*/}"
    }
done
for set in data config; do
    [ ! -f "$run_folder/job/$set/rc" ] ||
        say "job.$set" "$(cat "$run_folder/job/$set/rc") $(tail -n 1 "$run_folder/job/$set/message")"
    [ ! -s "$run_folder/job/$set/http" ] || say "http.$set" "$(head -c 3 "$run_folder/job/$set/http")"
    [ ! -s "$run_folder/job/$set/sha256" ] || say "sha256.$set" "$(head -c 64 "$run_folder/job/$set/sha256")"
    [ ! -f "$run_folder/job/$set/anew" ] || say "anew.$set" "$(wc -l <"$run_folder/job/$set/anew")"
    # The files of a twin are compared while they come.
    [ ! -f "$run_folder/job/$set/pieces" ] && [ ! -f "$run_folder/job/$set/compared" ] || say compared "$set"
    [ ! -f "$run_folder/job/$set/asks" ] || say asks "$set"
    say_fetched "$run_folder/job/$set"
    # After a reboot the number may be another process's.
    if [ -f "$run_folder/job/$set/pid" ] &&
        grep -qF "$run_folder/job/$set/job.sh" "/proc/$(cat "$run_folder/job/$set/pid")/cmdline" 2>/dev/null; then
        say job.running "$set"
    fi
    if [ -d "$run_folder/raw/$set" ]; then
        used=$(du -sk "$run_folder/raw/$set" 2>/dev/null)
        say "bytes.$set" "${used%%[!0-9]*}"
        say "files.$set" "$(find "$run_folder/raw/$set" -type f 2>/dev/null | wc -l)"
    fi
done
for file; do
    shift
    [ ! -f "$file" ] || set -- "$@" "$file"
done
[ $# = 0 ] || sha256sum -- "$@" 2>/dev/null | emit digests
for tool in curl wget bzip2 lbzip2 gzip pigz xz zstd systemd-run; do
    ! have "$tool" || say tool "$tool"
done
say_spaces "$WORKDIR" "$HOLD"
say cores "$(nproc 2>/dev/null || grep -c ^processor /proc/cpuinfo)"
load_unit "$UNIT" ActiveState,SubState,MainPID,ExecMainStartTimestampMonotonic,NeedDaemonReload,ExecStart || shown=
say_text unit "$shown"
