# Waits until the main process of the unit is so old, or is no more. How it stands then, another look tells.
# settle.sh UNIT HUNDREDTHS                    of a second
UNIT=$1 WANTED=$2
load_unit "$UNIT" MainPID || fail "systemctl show $UNIT failed"
property MainPID
main=$value
process_stat "$main" || exit 0
ticks=$(getconf CLK_TCK 2>/dev/null) || ticks=100
begun=$((start * 100 / ticks))
while [ -d "/proc/$main" ]; do
    read -r uptime _ </proc/uptime
    now=${uptime%.*}${uptime#*.} # in hundredths, as the kernel writes it
    [ $((now - begun)) -lt "$WANTED" ] || break
    sleep 0.2 2>/dev/null || sleep 1
done
