# Keeps standard input as a file of the run's folder, for `replace.sh`.
# stage_file.sh WORKDIR RUN NAME SHA256
W=$1 RUN=$2 NAME=$3 SHA=$4
R=$W/.loomtui/runs/$RUN
own_lock "$W" "$RUN"
umask 077
F=$R/stage/$NAME
mkdir -p "${F%/*}" && cat >"$F.new" || die "cannot write in $R"
[ "$(sha256sum <"$F.new" | cut -d' ' -f1)" = "$SHA" ] || die "${F##*/} did not arrive whole"
keep "$F.new" "$F" || die "cannot write in $R"
