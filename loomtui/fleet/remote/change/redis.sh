# Writes a loom.yml whose Redis addresses name another place into the run's folder, for `replace.sh`. User, password
# and path of each URI stay. Nothing of it is printed.
# redis.sh WORKDIR RUN SOURCE PLACE SHA256   SOURCE: `live`, or relative to the run's folder; PLACE: HOST:PORT
#                                            status 77: it would have another SHA-256, and is not kept
WORKDIR=$1 RUN=$2 SOURCE=$3 PLACE=$4 SHA256=$5
run_folder=$WORKDIR/.loomtui/runs/$RUN
own_lock "$WORKDIR" "$RUN"
case $PLACE in '' | *[!A-Za-z0-9.:\[\]-]*) fail "not an address: $PLACE" ;; esac
from=$run_folder/$SOURCE to=$run_folder/stage/corrected/loom.yml
[ "$SOURCE" != live ] || from=$WORKDIR/loom.yml
[ -f "$from" ] || fail "$from is not there"
mkdir -p "${to%/*}" &&
    sed -E -e '/^[[:space:]]*#/b' -e "s|(rediss?://)([^][:space:]/\"',]*@)?[^][:space:]/\"',?#]*|\1\2$PLACE|g" "$from" >"$to.new" ||
    fail "cannot write in $run_folder"
[ "$(sha256sum <"$to.new" | cut -d ' ' -f 1)" = "$SHA256" ] || fail "$from is not the file that the plan was made of" 77
keep "$to.new" "$to" || fail "cannot write in $run_folder"
