#!/bin/sh
# OpenStack Swift with its S3 middleware in one process namespace. Ends when standard input closes.
# swift.sh ADDRESS PORT
set -eu
ADDRESS=$1 PORT=$2
mkdir -p /srv/node/d /srv/cache
cat >/etc/swift/swift.conf <<END
[swift-hash]
swift_hash_path_prefix = stores
swift_hash_path_suffix = stores
END
# serve KIND PORT: the ring of one device, and its server.
serve() {
    swift-ring-builder "/etc/swift/$1.builder" create 1 1 0
    swift-ring-builder "/etc/swift/$1.builder" add "r1z1-$ADDRESS:$2/d" 1
    swift-ring-builder "/etc/swift/$1.builder" rebalance
    cat >"/etc/swift/$1-server.conf" <<END
[DEFAULT]
bind_ip = $ADDRESS
bind_port = $2
user = root
workers = 0
devices = /srv/node
mount_check = false
recon_cache_path = /srv/cache
[pipeline:main]
pipeline = $1-server
[app:$1-server]
use = egg:swift#$1
END
    "swift-$1-server" "/etc/swift/$1-server.conf" &
}
serve account 6202
serve container 6201
serve object 6200
cat >/etc/swift/proxy-server.conf <<END
[DEFAULT]
bind_ip = $ADDRESS
bind_port = $PORT
user = root
workers = 0
[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats bulk s3api tempauth slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:cache]
use = egg:swift#memcache
memcache_servers = $ADDRESS:11211
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
storage_domain = swift.stores.test
[filter:tempauth]
use = egg:swift#tempauth
user_${ACCESS_KEY%:*}_${ACCESS_KEY#*:} = $SECRET_KEY .admin
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
END
memcached -u root -l "$ADDRESS" -p 11211 -U 0 &
swift-proxy-server /etc/swift/proxy-server.conf &
cat >/dev/null
