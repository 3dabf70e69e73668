# What a run has left on this node so far: its marks, the digests of the files it may have replaced, free space.
# run_state.sh WORKDIR RUN UNIT HOLD-FILE FILE...
W=$1 RUN=$2 UNIT=$3 HOLD=$4
R=$W/.loomtui/runs/$RUN
shift 4
[ ! -f "$W/.loomtui/lock" ] || emit lock <"$W/.loomtui/lock"
[ ! -f "$HOLD" ] || emit hold <"$HOLD"
[ ! -f "$R/was" ] || emit was <"$R/was"
for mark in data.staged config.staged data.names data.away data.swapped; do
    [ ! -f "$R/$mark" ] || say mark "$mark"
done
for slot in "$R"/replaced/files/*/was; do
    [ ! -f "$slot" ] || { slot=${slot%/was}; say slot "${slot##*/}"; }
done
for set in data config; do
    [ ! -f "$R/job/$set/rc" ] || say "job.$set" "$(cat "$R/job/$set/rc") $(tail -n 1 "$R/job/$set/message")"
    # After a reboot the number may be another process's.
    if [ -f "$R/job/$set/pid" ] && grep -qF "$R/job/$set/job.sh" "/proc/$(cat "$R/job/$set/pid")/cmdline" 2>/dev/null; then
        say job.running "$set"
    fi
    if [ -d "$R/raw/$set" ]; then
        say "bytes.$set" "$(du -sk "$R/raw/$set" 2>/dev/null | cut -f1)"
        say "files.$set" "$(find "$R/raw/$set" -type f 2>/dev/null | wc -l)"
    fi
done
for file in "$@"; do
    [ ! -f "$file" ] || say digest "$(sha256sum <"$file" | cut -d' ' -f1) $file"
done
for tool in curl wget bzip2 lbzip2 gzip pigz xz zstd systemd-run; do
    ! command -v "$tool" >/dev/null 2>&1 || say tool "$tool"
done
# Device, then block size, blocks free for users, inodes, free inodes: for all that a run writes to.
folder=${HOLD%/*}
[ -d "$folder" ] || folder=${folder%/*}
say space.work "$(stat -L -c %d "$W") $(stat -f -c '%S %a %c %d' "$W")"
[ ! -d "$folder" ] || say space.unit "$(stat -L -c %d "$folder") $(stat -f -c '%S %a %c %d' "$folder")"
say free "$(df -Pk "$W" | tail -n 1 | tr -s ' ' | cut -d' ' -f4)"
systemctl show "$UNIT" -p ActiveState -p SubState -p MainPID -p ExecMainStartTimestampMonotonic -p NeedDaemonReload -p ExecStart | emit unit
