# What a run has left on this node so far: its marks, the digests of the files it may have replaced, free space.
# run_state.sh WORKDIR RUN UNIT HOLD-FILE FILE...
WORKDIR=$1 RUN=$2 UNIT=$3 HOLD=$4
run_folder=$WORKDIR/.loomtui/runs/$RUN
shift 4
[ ! -f "$WORKDIR/.loomtui/lock" ] || emit lock <"$WORKDIR/.loomtui/lock"
[ ! -f "$HOLD" ] || emit hold <"$HOLD"
[ ! -f "$run_folder/was" ] || emit was <"$run_folder/was"
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
    # After a reboot the number may be another process's.
    if [ -f "$run_folder/job/$set/pid" ] &&
        grep -qF "$run_folder/job/$set/job.sh" "/proc/$(cat "$run_folder/job/$set/pid")/cmdline" 2>/dev/null; then
        say job.running "$set"
    fi
    if [ -d "$run_folder/raw/$set" ]; then
        say "bytes.$set" "$(du -sk "$run_folder/raw/$set" 2>/dev/null | cut -f 1)"
        say "files.$set" "$(find "$run_folder/raw/$set" -type f 2>/dev/null | wc -l)"
    fi
done
for file in "$@"; do
    [ ! -f "$file" ] || say digest "$(sha256sum <"$file" | cut -d ' ' -f 1) $file"
done
for tool in curl wget bzip2 lbzip2 gzip pigz xz zstd systemd-run; do
    ! have "$tool" || say tool "$tool"
done
say_spaces "$WORKDIR" "$HOLD"
say free "$(free_blocks "$WORKDIR")"
load_unit "$UNIT" ActiveState,SubState,MainPID,ExecMainStartTimestampMonotonic,NeedDaemonReload,ExecStart || shown=
printf '%s' "$shown" | emit unit
