# Looks at a node each time that it is told to, for as long as its standard input is open, and tells what has changed.
# watch.sh UNIT WORKDIR BINARY UNIT-FILE RPC-PORT VERSION-STAMP (see look_parts.sh)
# A line of its input is a number and `new` or `all`. Each look ends with the fact `answered`, which is that number. The
# facts come in parts, each behind a fact `part`; `same` names a part that is as it was told before. With `new`, what lies
# in files is read only where the file was changed, and the disk, the version and the clock are left out: with `all`,
# nothing is.
# tell PART TEXT: adds it to $report, or that it is as before.
tell() {
    before=
    eval "before=\${before_$1-untold}" # a part may well be empty, and has to be told once all the same
    if [ "$2" = "$before" ]; then
        report="${report}same =$1$newline"
    else
        report="${report}part =$1$newline$2$newline"
        eval "before_$1=\$2"
    fi
}

# see_files: sets $seen to what tells that a file of the node was changed, and $signed to the same of the validator's.
# A file that others replace at every look, in the same folder, would change the folder's time: so each is named.
see_files() {
    seen="$main$newline"
    for suffix in json toml yaml yml properties props prop hcl; do
        for place in "$dir/loom" "$dir/config/loom" "$root/chaindata/config/config"; do
            [ ! -e "$place.$suffix" ] || seen="$seen$place.$suffix$newline"
        done
    done
    for place in "$root/app.db" "$data/blockstore.db" "$data/state.db"; do
        [ ! -f "$place/CURRENT" ] || seen="$seen$place$newline"
    done
    for place in "$key" "$validator"; do
        [ ! -f "$place" ] || [ ! -r "$place" ] || [ ! -s "$place" ] || seen="$seen$place$newline"
    done
    for what in "$dir"/.loomtui/runs/*/jobs/*/what; do
        [ ! -f "$what" ] || seen="$seen$what$newline"
    done
    set -- "$dir" "$loom_yml" "$root/chaindata/config/config.toml" "$key" "$hold" "${hold%/*}" "$dir/.loomtui/lock"
    property FragmentPath
    set -- "$@" "$value"
    property DropInPaths # systemd parts them by blanks
    for place in $value; do
        set -- "$@" "$place"
    done
    signed=$(stat -c '%n %i %s %y %z' "$@" "$validator" 2>/dev/null)
    seen=$seen${signed%"$newline"*}
    signed=${signed##*"$newline"}
}

# look HOW: sets $report.
look() {
    report=
    begun=
    [ "$how" != all ] || begun=$(date +%s.%N)
    if ! load_unit "$UNIT" "$properties"; then
        report="failed =systemctl$newline"
        return 0
    fi
    read -r uptime rest </proc/uptime && report="uptime =$uptime$newline"
    property MainPID
    main=$value
    if [ "$shown" != "${service:-}" ]; then
        service=$shown
        how=all
        before_service=
    fi
    # The text itself is compared above, because printing it costs processes.
    [ -n "${before_service:-}" ] || told_of_service=$(say_text show "$shown")
    tell service "$told_of_service"
    [ "$how" = all ] || see_files
    if [ "$how" = all ] || [ "$seen" != "$seen_before" ]; then
        read_files
    elif [ "$signed" != "$signed_before" ]; then
        signed_before=$signed
        told_of_signing=$(sign)
    fi
    tell unit "$told_of_unit"
    tell files "$told_of_files"
    tell signing "$told_of_signing"
    chain_part status net_info && answering=yes || answering=
    report="${report}part =chain$newline$chain$newline"
    if [ "$how" = all ]; then
        report="${report}part =machine$newline$(machine_part)$newline"
        [ -z "$answering" ] || report="${report}part =members$newline$(members_part)$newline"
        [ -z "$begun" ] || report="${report}part =clock${newline}clock.begin =$begun${newline}clock.end =$(date +%s.%N)$newline"
    fi
}

# read_files: reads all that lies in files.
read_files() {
    working_directory "$WORKDIR"
    program "$BINARY"
    unit_user
    hold=${UNIT_FILE%/*}/$UNIT.d/99-loomtui-hold.conf
    find_files
    see_files # before the reading: what changes meanwhile is read again
    seen_before=$seen
    signed_before=$signed
    told_of_unit=$(unit_part)
    told_of_files=$(held_part && files_part && validator_part)
    told_of_signing=$(sign)
}

sign() {
    state_of "$validator"
    [ "$state" != good ] || signing_part
}

while read -r number how; do
    case $number in '' | *[!0-9]*) fail "this is no number: $number" ;; esac
    look
    printf '%sanswered =%s\n' "$report" "$number"
done
