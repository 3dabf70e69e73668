#!/bin/sh
# Ceph in one process namespace: a monitor, one OSD in memory, and the S3 gateway. Ends when standard input closes.
# ceph.sh ADDRESS PORT
set -eu
ADDRESS=$1 PORT=$2
fsid=5b0c7e1e-2d2f-4f0e-9a55-0c1b1a2d3e4f osd=0a1b2c3d-0000-4000-8000-000000000001
monitor="[v2:$ADDRESS:3300,v1:$ADDRESS:6789]"
mkdir -p /srv/mon /srv/osd
cat >/srv/ceph.conf <<END
[global]
fsid = $fsid
mon host = $monitor
public addr = $ADDRESS
cluster addr = $ADDRESS
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
run dir = /srv
admin socket = /srv/\$name.asok
log file = /srv/\$name.log
osd objectstore = memstore
memstore device bytes = 2147483648
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data avail crit = 0
mon data avail warn = 0
rgw dns name = ceph.stores.test
rgw frontends = beast endpoint=$ADDRESS:$PORT
END
export CEPH_CONF=/srv/ceph.conf
monmaptool --create --fsid "$fsid" --addv a "$monitor" /srv/monmap
ceph-mon --mkfs -i a --mon-data /srv/mon --monmap /srv/monmap
ceph-mon -i a --mon-data /srv/mon -f &
timeout 60 ceph osd new "$osd"
ceph-osd --mkfs -i 0 --osd-uuid "$osd" --osd-data /srv/osd
ceph-osd -i 0 --osd-uuid "$osd" --osd-data /srv/osd -f &
timeout 120 radosgw-admin user create --uid loomtui --display-name loomtui --access-key "$ACCESS_KEY" \
    --secret-key "$SECRET_KEY"
radosgw -n client.rgw -f &
cat >/dev/null
