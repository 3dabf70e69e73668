# The files of the databases that this node has now, so that those which a backup holds too need not be fetched.
# live_files.sh WORKDIR NAME-PATTERN...
# Prints `files`: size, mode, user, group and path below WORKDIR of each, with blanks between and NUL behind.
WORKDIR=$1
shift
cd "$WORKDIR" || fail "cannot enter $WORKDIR"
for pattern; do
    for name in $pattern; do # a pattern of ours: it holds no blanks
        [ -d "$name" ] && [ ! -L "$name" ] || continue
        find "$name" -type f -printf '%s %m %u %g %p\0' 2>/dev/null # files may go while a node works
    done
done | emit files
