# What of `status` and `details` a restore compares while the node is stopped: its unit, its keys (public halves only),
# how far it has signed, and whom it knows. Of what a stopped node cannot tell nothing is asked.
# identity.sh UNIT WORKDIR BINARY UNIT-FILE RPC-PORT VERSION-STAMP (see look_parts.sh)
load_unit "$UNIT" "$properties" || fail "systemctl show $UNIT failed"
say_text show "$shown"
unit_part
say user "$user"
say account "$(account "$user")"
cd "$dir" 2>/dev/null || fail "the working directory $dir cannot be entered"
find_files
files_part
validator_part
[ "$state" != good ] || signing_part
emit_file text/chaindata/config/config.toml chaindata/config/config.toml 1048576
emit_file addrbook chaindata/config/addrbook.json 1048576
