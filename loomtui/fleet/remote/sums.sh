# SHA-256, by openssl where a node has it: that uses what a processor has for it, which sha256sum of many distributions
# does not (1,500 MB a second against 183 on an AMD EPYC). Comes after lib.sh.
OF_NOTHING=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
AT_ONCE_SUMMED=100 # files
line_end='
'

# find_digester: sets $by_openssl, empty where there is none that works.
find_digester() {
    by_openssl=''
    case $(openssl dgst -sha256 -r 2>/dev/null </dev/null) in "$OF_NOTHING"*) by_openssl=1 ;; esac
}

# digest: prints the SHA-256 of standard input, and what the program makes of it.
digest() {
    if [ -n "$by_openssl" ]; then openssl dgst -sha256 -r; else sha256sum; fi
}

# others FOLDER SUMS: prints a line for each file that is not the one of SUMS, as sha256sum -c prints it. What cannot be
# compared counts as another one.
others() {
    from_line=1 all_lines=$(wc -l <"$2")
    while [ "$from_line" -le "$all_lines" ]; do
        sums_now=$(tail -n "+$from_line" "$2" | head -n "$AT_ONCE_SUMMED")
        if [ -z "$sums_now" ]; then
            tail -n "+$from_line" "$2" | failed
            return
        fi
        from_line=$((from_line + $(lines_of "$sums_now")))
        others_among "$1" "$sums_now"
    done
}

# others_among FOLDER LINES: sha256sum has the last word where openssl did not read all files.
others_among() {
    not_so=$2
    if [ -n "$by_openssl" ]; then
        found=$(summed "$1" "$(printf '%s\n' "$2" | sed 's/^[^ ]*  //')")
        not_so=$(printf '%s\n' "$2" | grep -vxF -e "$found")
        [ "$?" -le 1 ] || not_so=$2 # more lines than an argument can hold
        [ -n "$not_so" ] || return 0
        if [ "$(lines_of "$found")" = "$(lines_of "$2")" ]; then
            printf '%s\n' "$not_so" | failed
            return
        fi
    fi
    (cd "$1" && printf '%s\n' "$not_so" | sha256sum -c - 2>&1 | grep -v ': OK$')
}

# summed FOLDER NAMES: by openssl, a name a line, as sha256sum prints it.
summed() {
    # shellcheck disable=SC2086 # a name a line
    (cd "$1" && set -f && IFS="$line_end" && openssl dgst -sha256 -r $2 2>/dev/null) | sed 's/ \*/  /'
}

# failed: lines of sums on standard input, as sha256sum tells of them.
failed() {
    sed 's/^[^ ]*  //; s/$/: FAILED/'
}

lines_of() {
    printf '%s\n' "$1" | wc -l
}
