# stat on a practice node whose disk is said to be nearly full. REAL and left are set in front of this text.
[ "${1:-}" = -f ] && [ "${2:-}" = -c ] || exec "$REAL" "$@"
block=$("$REAL" -f -c %S "$4") || exit 1
exec "$REAL" -f -c "$(printf '%s' "$3" | sed "s/%a/$((left * 1024 / block))/")" "$4"
