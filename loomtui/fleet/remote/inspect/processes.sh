# The processes that a stop has to have ended: those of the unit, and whoever has a database of the node open.
# processes.sh WORKDIR UNIT
WORKDIR=$1 UNIT=$2
left_running "$UNIT" "$WORKDIR" | while IFS= read -r process; do
    say left "$process"
done
