# The processes that a stop has to have ended: those of the unit, and whoever has a database of the node open.
# processes.sh WORKDIR UNIT
left_running "$2" "$1" | while IFS= read -r process; do
    say left "$process"
done
