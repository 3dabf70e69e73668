# Keeps standard input as a file of the run's folder, for `replace.sh`.
# stage_file.sh WORKDIR RUN NAME SHA256
WORKDIR=$1 RUN=$2 NAME=$3 SHA256=$4
run_folder=$WORKDIR/.loomtui/runs/$RUN
own_lock "$WORKDIR" "$RUN"
staged=$run_folder/stage/$NAME
mkdir -p "${staged%/*}" && cat >"$staged.new" || fail "cannot write in $run_folder"
[ "$(sha256sum <"$staged.new" | cut -d ' ' -f 1)" = "$SHA256" ] || fail "${staged##*/} did not arrive whole"
keep "$staged.new" "$staged" || fail "cannot write in $run_folder"
