# Asks systemd about a staged unit before it is put in its place. NAME must end in .service.
# verify_unit.sh WORKDIR RUN SOURCE NAME              status 76: systemd does not like it (what it says on stdout)
W=$1 RUN=$2 SOURCE=$3 NAME=$4
R=$W/.loomtui/runs/$RUN
own_lock "$W" "$RUN"
umask 077
mkdir -p "$R/check" && cp "$R/$SOURCE" "$R/check/$NAME" && chmod 644 "$R/check/$NAME" || die "cannot write in $R"
command -v systemd-analyze >/dev/null 2>&1 || exit 0
# Its status is 0 for unknown settings, which are only warnings, and not 0 for what cannot be loaded.
if ! systemd-analyze verify "$R/check/$NAME" >"$R/check/said" 2>&1; then
    emit said <"$R/check/said"
    exit 76
fi
