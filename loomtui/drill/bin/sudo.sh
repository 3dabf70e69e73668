# sudo: the practice node has one user, so the command runs as it is. With a password file, it asks as sudo does.
non_interactive='' from_stdin='' prompt='[sudo] password: '
while [ $# -gt 0 ]; do
    case $1 in
        --)
            shift
            break
            ;;
        -n | --non-interactive) non_interactive=1 ;;
        -S | --stdin) from_stdin=1 ;;
        -k | --reset-timestamp | -E | -H | -i | -b | --preserve-env* | --set-home | --login) : ;;
        -K | -v | --validate) : ;;
        -p | --prompt)
            prompt=$2
            shift
            ;;
        --prompt=*) prompt=${1#--prompt=} ;;
        -u | -g | -C | -T | --user | --group) shift ;;
        -u* | -g* | --user=* | --group=*) : ;;
        -nS | -Sn | -kS | -Sk | -kn | -nk)
            case $1 in *S*) from_stdin=1 ;; esac
            case $1 in *n*) non_interactive=1 ;; esac
            ;;
        -l | --list)
            echo "User may run the following commands: ALL"
            exit 0
            ;;
        -V | --version)
            echo "Sudo version 1.9.13"
            exit 0
            ;;
        -*)
            echo "sudo: unrecognized option '$1'" >&2
            exit 1
            ;;
        *=*)
            # shellcheck disable=SC2163 # NAME=VALUE as it was given
            export "$1"
            ;;
        *) break ;;
    esac
    shift
done
if [ -f "$ROOT/.practice/sudo-password" ]; then
    IFS= read -r wanted <"$ROOT/.practice/sudo-password"
    [ -z "$non_interactive" ] || {
        echo 'sudo: a password is required' >&2
        exit 1
    }
    [ -n "$from_stdin" ] || {
        echo 'sudo: a terminal is required to read the password; either use the -S option to read from standard input or configure an askpass helper' >&2
        echo 'sudo: a password is required' >&2
        exit 1
    }
    tries=0
    while :; do
        printf '%s' "$prompt" >&2
        IFS= read -r given || {
            echo 'sudo: no password was provided' >&2
            echo 'sudo: a password is required' >&2
            exit 1
        }
        [ "$given" = "$wanted" ] && break
        tries=$((tries + 1))
        [ $tries -lt 3 ] || {
            echo 'sudo: 3 incorrect password attempts' >&2
            exit 1
        }
        echo 'Sorry, try again.' >&2
    done
    unset given wanted
fi
[ $# -gt 0 ] || exit 0
unset ROOT
exec "$@"
