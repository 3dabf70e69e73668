# How the user who logs in gets root rights. This script runs without them.
# rights.sh
say uid "$(id -u)"
say user "$(id -un)"
if ! have sudo; then
    say sudo none
elif answer=$(sudo -n sh -c : 2>&1 </dev/null); then
    say sudo free
else
    say sudo password
    say answer "$answer"
fi
# sudo asks PAM once more where a password was wrong and none follows, so each wrong one counts twice there.
if grep -Eqs '^[^#]*pam_(faillock|tally)' /etc/pam.d/sudo /etc/pam.d/*-auth; then
    say lockout yes
fi
