# Asks systemd about a staged unit before it is put in its place. NAME must end in .service.
# verify_unit.sh WORKDIR RUN SOURCE NAME              status 76: systemd does not like it (what it says on stdout)
WORKDIR=$1 RUN=$2 SOURCE=$3 NAME=$4
run_folder=$WORKDIR/.loomtui/runs/$RUN
own_lock "$WORKDIR" "$RUN"
mkdir -p "$run_folder/check" && cp "$run_folder/$SOURCE" "$run_folder/check/$NAME" && chmod 644 "$run_folder/check/$NAME" ||
    fail "cannot write in $run_folder"
have systemd-analyze || exit 0
# Its status is 0 for unknown settings, which are only warnings, and not 0 for what cannot be loaded.
if ! systemd-analyze verify "$run_folder/check/$NAME" >"$run_folder/check/said" 2>&1; then
    emit said <"$run_folder/check/said"
    exit 76
fi
