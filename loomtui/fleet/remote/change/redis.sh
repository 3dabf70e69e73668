# Writes a loom.yml whose Redis addresses name another place into the run's folder, for `replace.sh`. User, password
# and path of each URI stay. Nothing of it is printed but its SHA-256.
# redis.sh WORKDIR RUN SOURCE PLACE          SOURCE: `live`, or relative to the run's folder; PLACE: HOST:PORT
W=$1 RUN=$2 SOURCE=$3 PLACE=$4
R=$W/.loomtui/runs/$RUN
own_lock "$W" "$RUN"
umask 077
case $PLACE in '' | *[!A-Za-z0-9.:\[\]-]*) die "not an address: $PLACE" ;; esac
from=$R/$SOURCE to=$R/stage/corrected/loom.yml
[ "$SOURCE" != live ] || from=$W/loom.yml
[ -f "$from" ] || die "$from is not there"
mkdir -p "${to%/*}" && sed -E -e '/^[[:space:]]*#/b' -e "s|(rediss?://)([^][:space:]/\"',]*@)?[^][:space:]/\"',?#]*|\1\2$PLACE|g" "$from" >"$to.new" &&
    keep "$to.new" "$to" || die "cannot write in $R"
say digest "$(sha256sum <"$to" | cut -d ' ' -f 1)"
