# The edit of a validator's file, for the script that makes it and for the look that tries it beforehand.
# Comes after lib.sh. No string in such a file holds blanks (hex, base64, type names): it is edited as one line.

# with_height HEIGHT: standard input, the file, with that height as the last one and no last signature. What Go takes
# for 0 because it is not there is written down.
with_height() {
    one_line=$(tr -d ' \t\r\n')
    for name in last_step last_round last_height; do
        case $one_line in
            *"\"$name\":"*) ;;
            *) one_line=$(printf '%s' "$one_line" | sed "s/^{/{\"$name\":0,/") ;;
        esac
    done
    printf '%s' "$one_line" | sed \
        -e 's/"last_signature":{[^{}]*}/"last_signature":null/' \
        -e 's/,"last_signature":\(null\|"[^"]*"\)//' -e 's/"last_signature":\(null\|"[^"]*"\),//' \
        -e 's/,"last_signbytes":\(null\|"[^"]*"\)//' -e 's/"last_signbytes":\(null\|"[^"]*"\),//' \
        -e 's/"last_height":"\{0,1\}[0-9]*"\{0,1\}/"last_height":"'"$1"'"/' \
        -e 's/"last_round":"\{0,1\}[0-9]*"\{0,1\}/"last_round":"0"/' \
        -e 's/"last_step":"\{0,1\}[0-9]*"\{0,1\}/"last_step":0/'
}

# key_fields TEXT: prints what must stay as it is, each field with its name on a line of its own.
key_fields() {
    printf '%s' "$1" | tr -d ' \t\r\n' |
        grep -o '"\(address\|pub_key\|priv_key\|key_id\)":\("[^"]*"\|[0-9]*\|{[^{}]*}\)'
}

# edit_fault BEFORE AFTER HEIGHT: prints why the edited text must not be used, one word; nothing where it may.
# Both are texts, not files, and they hold a key: they are given to nothing but functions and pipes.
edit_fault() {
    fields=$newline$(key_fields "$1")
    for name in address pub_key; do # what has none is no validator's file
        case $fields in
            *"$newline\"$name\":"*) ;;
            *)
                echo unknown-form
                return
                ;;
        esac
    done
    if [ "$fields" != "$newline$(key_fields "$2")" ]; then
        echo key-changed
        return
    fi
    for name in last_height last_round last_step; do
        case $2 in *"\"$name\""*"\"$name\""*) twice=yes ;; *"\"$name\""*) twice='' ;; *) twice=none ;; esac
        if [ -n "$twice" ]; then
            echo unknown-form
            return
        fi
    done
    case $2 in
        *'"last_height":"'"$3"'"'['},']*) ;;
        *)
            echo no-height
            return
            ;;
    esac
    case $2 in
        *'"last_round":"0"'['},']*) ;;
        *) echo unknown-form ;;
    esac
    case $2 in
        *'"last_step":0'['},']*) ;;
        *) echo unknown-form ;;
    esac
    case $2 in *last_sign*) echo signature-left ;; esac
}
