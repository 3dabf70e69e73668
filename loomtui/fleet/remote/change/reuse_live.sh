# Takes files of the live databases over into what is being unpacked, where they are those of the manifest. The live files
# stay as they are: tables, which nobody ever writes again, get another name (a hard link), others are copied.
# reuse_live.sh WORKDIR RUN SET LIST SUMS
# Standard input: LIST bytes, in lines: `> FOLDER` and `< FOLDER` (of the archive, and below WORKDIR), then names in them,
# `l NAME` to be linked and `c NAME` to be copied; SUMS bytes, as sha256sum prints them, with paths as in the archive.
# Prints `lost` for each path that is not there then, because the file is another one, or went meanwhile.
WORKDIR=$1 RUN=$2 SET=$3
run_folder=$WORKDIR/.loomtui/runs/$RUN
job_folder=$run_folder/job/$SET raw_folder=$run_folder/raw/$SET
own_lock "$WORKDIR" "$RUN"
mkdir -p "$job_folder" && head -c "$4" >"$job_folder/takes" && cat >"$job_folder/takes.sums" || fail "cannot write in $job_folder"
[ "$(wc -c <"$job_folder/takes") $(wc -c <"$job_folder/takes.sums")" = "$4 $5" ] || fail "the list of files did not arrive whole"

# take NAME...: from $from to $to, in the way of $way; what is not there is told by the comparison.
take() {
    [ $# -gt 0 ] && [ -d "$from" ] && [ ! -L "$from" ] || return 0
    if [ "$way" = l ]; then
        (cd "$from" && ln -t "$to" -- "$@") 2>/dev/null || :
    else
        (cd "$from" && cp --reflink=auto -t "$to" -- "$@") 2>/dev/null || :
    fi
}

# take_all: what $job_folder/takes says, some hundred names at a time.
take_all() {
    set --
    from='' to='' way=''
    while IFS= read -r line; do
        if [ "${line%% *}" != "$way" ] || [ $# -gt 200 ]; then
            take "$@"
            set --
            way=${line%% *}
        fi
        case $line in
            '> '*)
                to=$raw_folder/${line#> }
                mkdir -p "$to" || fail "cannot write in $raw_folder"
                ;;
            '< '*) from=$WORKDIR/${line#< } ;;
            *) set -- "$@" "${line#* }" ;;
        esac
    done <"$job_folder/takes"
    take "$@"
}

find_low_rights
rm -f "$job_folder/takes.done" "$job_folder/taken" "$job_folder"/done.* "$job_folder/pieces"
make_raw_folder || fail "cannot write in $raw_folder"
take_all
find_digester
others "$raw_folder" "$job_folder/takes.sums" |
    sed -n 's/: FAILED\( open or read\)\{0,1\}$//p' >"$job_folder/lost" || fail "cannot write in $job_folder"
while IFS= read -r path; do
    rm -f "$raw_folder/$path" || fail "cannot remove $path"
    say lost "$path"
done <"$job_folder/lost"
# Files keep their owners: those that were linked are the node's own.
[ -z "$low" ] || find "$raw_folder" -type d -exec chown "$NOBODY" {} + || fail "cannot write in $raw_folder"
: >"$job_folder/taken" && keep "$job_folder/takes.sums" "$job_folder/takes.done" || fail "cannot write in $job_folder"
