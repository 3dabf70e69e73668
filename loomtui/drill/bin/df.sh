# df on a practice node whose disk is said to be nearly full. REAL and left are set in front of this text.
[ "${1:-}" = -Pk ] || exec "$REAL" "$@"
"$REAL" "$@" | sed "\$s/^\(.* [0-9][0-9]*  *[0-9][0-9]*  *\)[0-9][0-9]*\(  *[0-9-]*%\)/\1$left\2/"
