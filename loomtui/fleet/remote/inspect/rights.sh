# How the user who logs in gets root rights. This script runs without them.
# rights.sh [SUDO BOOTSTRAP NONCE ARG...]
# Where it is told how a look is begun, it goes on with the one whose text follows on standard input: as root where that
# needs no password, and not at all where it needs one. SUDO is `never` where root rights are not wanted.
user_id=$(id -u)
say uid "$user_id"
say user "$(id -un)"
if ! have sudo; then
    way=none
elif answer=$(sudo -n sh -c : 2>&1 </dev/null); then
    way=free
else
    way=password
    say answer "$answer"
fi
say sudo "$way"
# sudo asks PAM once more where a password was wrong and none follows, so each wrong one counts twice there.
if grep -Eqs '^[^#]*pam_(faillock|tally)' /etc/pam.d/sudo /etc/pam.d/*-auth; then
    say lockout yes
fi
[ $# -gt 0 ] || exit 0
wanted=$1
bootstrap=$2
shift 2
case $user_id/$wanted/$way in
    0/* | */never/* | */none) exec sh -c "$bootstrap" loomtui "$@" ;;
    */free) exec sudo -n sh -c "$bootstrap" loomtui "$@" ;;
esac
