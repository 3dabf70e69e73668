# Writes a loom.yml whose Redis addresses name another place into the run's folder, for `replace.sh`. User, password
# and path of each URI stay. Nothing of it is printed but its SHA-256.
# redis.sh WORKDIR RUN SOURCE PLACE          SOURCE: `live`, or relative to the run's folder; PLACE: HOST:PORT
WORKDIR=$1 RUN=$2 SOURCE=$3 PLACE=$4
run_folder=$WORKDIR/.loomtui/runs/$RUN
own_lock "$WORKDIR" "$RUN"
case $PLACE in '' | *[!A-Za-z0-9.:\[\]-]*) fail "not an address: $PLACE" ;; esac
from=$run_folder/$SOURCE to=$run_folder/stage/corrected/loom.yml
[ "$SOURCE" != live ] || from=$WORKDIR/loom.yml
[ -f "$from" ] || fail "$from is not there"
mkdir -p "${to%/*}" &&
    sed -E -e '/^[[:space:]]*#/b' -e "s|(rediss?://)([^][:space:]/\"',]*@)?[^][:space:]/\"',?#]*|\1\2$PLACE|g" "$from" >"$to.new" &&
    keep "$to.new" "$to" || fail "cannot write in $run_folder"
say digest "$(sha256sum <"$to" | cut -d ' ' -f 1)"
