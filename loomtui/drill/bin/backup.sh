# A stand-in for backup.sh: it copies what is newer to where it stages, with the service stopped at the end.
# What the real one does with the rest (tar, upload) nobody practises. ROOT is set in front of this text.
cd "$ROOT/home/ubuntu" || exit 1
TMP_LOCATION=$ROOT/tmp/loom-bu-stage
mkdir -p "$TMP_LOCATION" || exit 1
copy() {
    for item in app.db chaindata genesis.json loom.yml; do
        [ ! -e "$item" ] || cp -ru "$item" "$TMP_LOCATION/" || exit 1
    done
}
copy
systemctl stop loom.service
copy
systemctl start loom.service
