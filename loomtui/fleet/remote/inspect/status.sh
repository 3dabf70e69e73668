# One look at a node: service, unit, keys (public halves only), chain, disk, version, clock, hold and lock.
# status.sh UNIT WORKDIR BINARY UNIT-FILE RPC-PORT VERSION-STAMP (see look_parts.sh)

look() {
    say clock.begin "$(date +%s.%N)"
    read -r uptime rest </proc/uptime && say uptime "$uptime"
    load_unit "$UNIT" "$properties" || fail "systemctl show $UNIT failed"
    say_text show "$shown"
    unit_part
    held_part
    find_files
    files_part
    validator_part
    [ "$state" != good ] || signing_part
    chain_part status net_info validators || : # then it says why
    printf '%s\n' "$chain"
    machine_part
    say clock.end "$(date +%s.%N)"
}

# All of it goes out at once: a packet for each fact would cost more than the facts.
told=$(look)
status=$?
printf '%s\n' "$told"
exit "$status"
