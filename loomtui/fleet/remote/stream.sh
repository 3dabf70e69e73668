# How a job gets the bytes of an object from S3, over as many connections as that takes. Comes after lib.sh.
# Who uses it sets $job_folder, calls take_url, and has opened descriptor 7 for the bytes and 8 for
# the same bytes once more. A presigned URL is a secret: it is in a variable of this shell alone, in no argument
# and no file.
PAUSES='1 2 5 10 20 30' # seconds before the next try, while no byte comes; the last one again and again
PATIENCE=21600          # seconds without one new byte after which a transfer that had begun is given up
FIRST_TRIES=3           # how often a store is asked that never answered at all
FRESH_URLS=5            # how often a new URL is asked for, while no byte comes
cr=$(printf '\r')

# complain WHAT: for the operator; the first word of the sentence is the caller's.
complain() {
    printf '%s\n' "$1" >"$notes.trouble"
}

# stream NAME FIRST LAST SIZE: the bytes FIRST to LAST of an object of SIZE bytes, 0 being the first one. $notes.*
# then say how it went: `fetched` (bytes so far), `http` (the last status that S3 gave, empty: no answer), `trouble`,
# `tee` (process that copies), `get` (the one that asks S3). Status 1: it was given up, `trouble` says why;
# 2: who reads the bytes has ended, or it is not known how many of them he got.
stream() {
    notes=$job_folder/$1 at=$2 last=$3 size=$4
    since=$(date +%s) pauses=$PAUSES tries=0 fresh=0 begun=''
    rm -f "$notes.broken" "$notes.trouble"
    while [ "$at" -le "$last" ]; do
        printf '' >"$notes.http"
        got=$(ask | copy)
        rm -f "$notes.tee" "$notes.get"
        case $got in '' | *[!0-9]*) : >"$notes.broken" ;; *) at=$((at + got)) ;; esac
        [ ! -e "$notes.broken" ] || return 2
        printf '%s\n' "$((at - $2))" >"$notes.fetched"
        [ "$at" -le "$last" ] || break
        if [ "$got" -gt 0 ]; then
            since=$(date +%s) pauses=$PAUSES tries=0 fresh=0 begun=1
        fi
        tries=$((tries + 1))
        go_on || return 1
        sleep "${pauses%% *}"
        case $pauses in *' '*) pauses=${pauses#* } ;; esac
    done
    rm -f "$notes.trouble"
}

# copy: standard input to descriptors 7 and 8; prints how many bytes both have got.
# The bytes are counted where they went by: what curl says of itself is lost when it is killed.
copy() {
    {
        exec 3<&0
        tee /dev/fd/7 /dev/fd/8 <&3 3<&- 2>/dev/null &
        printf '%s\n' "$!" >"$notes.tee"
        wait "$!" || : >"$notes.broken"
    } | wc -c
}

# go_on: whether it makes sense to ask again, after a connection that did not bring all bytes. Says what was wrong.
go_on() {
    read -r http <"$notes.http" || http=''
    said=$(grep . "$notes.said" 2>/dev/null | tail -n 1)
    case $http in
        2??) complain "the connection broke at byte $at of $size${said:+: $said}" ;;
        '') complain "no answer from S3: ${said:-nothing was said}" ;;
        *) complain "S3 answers with status $http" ;;
    esac
    case $http in
        2?? | 408 | 425 | 429 | 50[0234]) is_in_time ;;
        '') { [ -n "$begun" ] || [ "$tries" -lt "$FIRST_TRIES" ]; } && is_in_time ;;
        400 | 401 | 403) # a URL whose time is over, or one that was never good
            [ -n "$begun" ] && [ "$fresh" -lt "$FRESH_URLS" ] && take_fresh_url
            ;;
        *) return 1 ;; # of no moment: gone, changed, or S3 does not know what it was asked for
    esac
}

# is_in_time: the last byte, or the beginning, is not too long ago.
is_in_time() {
    [ "$(($(date +%s) - since))" -lt "$PATIENCE" ] && return
    complain "not one byte came for $((PATIENCE / 3600)) hours; $(cat "$notes.trouble")"
    return 1
}

# take_fresh_url: asks whoever looks at this job for a new URL, and waits for it.
take_fresh_url() {
    fresh=$((fresh + 1))
    : >"$job_folder/asks"
    while [ ! -f "$job_folder/url" ]; do
        if [ "$(($(date +%s) - since))" -ge "$PATIENCE" ]; then
            complain "the URL is too old, and nobody gave a new one for $((PATIENCE / 3600)) hours"
            return 1
        fi
        sleep 1
    done
    take_url
}

# take_url: the URL out of its file, which is gone from then on, and the ETag, which may be empty.
take_url() {
    IFS= read -r url <"$job_folder/url" || url=''
    IFS= read -r etag <"$job_folder/etag" || etag=''
    rm -f "$job_folder/url" "$job_folder/asks"
}

# ask: the bytes from $at to $last to standard output, as far as one connection brings them.
ask() {
    if have curl; then
        {
            {
                {
                    printf 'url = "%s"\n' "$url"
                    [ -z "$etag" ] || printf 'header = "If-Match: \\"%s\\""\n' "$etag"
                    [ "$at" = 0 ] && [ "$last" = "$((size - 1))" ] || printf 'range = "%s-%s"\n' "$at" "$last"
                } | noted curl -q --silent --show-error --include --location --connect-timeout 20 \
                    --speed-limit 1 --speed-time 30 --config - 2>&6
            } | body
        } 6>&1 >&9 | said
    else
        ask_wget
    fi 9>&1
}

# noted COMMAND...: runs it; who watches over the job knows its process.
noted() {
    # shellcheck disable=SC2016 # that shell's own arguments
    sh -c 'echo "$$" >"$1"; shift; exec "$@"' sh "$notes.get" "$@"
}

# said: what a program complains of, without the URL and what it is signed with, into a file.
said() {
    sed '/^[^ ]*http/d; s/?[^ ]*//' >"$notes.said"
}

# ask_wget: the same by wget. Where a store sends all of an object although it was asked for the end of it, wget
# leaves out the beginning by itself.
ask_wget() {
    set --
    [ -z "$etag" ] || set -- "--header=If-Match: \"$etag\""
    skip=0
    if [ "$at" = 0 ]; then
        :
    elif wget --help 2>&1 | grep -qe --start-pos; then
        set -- "$@" "--start-pos=$at"
    else
        skip=$at # before version 1.16
    fi
    # It says the status of an answer only beside the URL, which is a secret.
    {
        printf '%s\n' "$url" | noted wget --no-verbose --no-config --tries=1 --timeout=60 "$@" \
            --input-file=- --output-document=- 2>&6 | part "$skip"
    } 6>&1 >&9 | said
    sed -n 's/.*ERROR \([45][0-9][0-9]\).*/\1/p' "$notes.said" | head -n 1 >"$notes.http"
}

# part SKIP: standard input without its first SKIP bytes, and no more than is wanted.
part() {
    if [ "$1" != 0 ]; then tail -c "+$(($1 + 1))"; else cat; fi |
        if [ "$last" != "$((size - 1))" ]; then head -c "$((last - at + 1))"; else cat; fi
}

# body: an answer of HTTP without its headers; nothing of one that does not hold the bytes that were asked for.
body() {
    while IFS=' ' read -r _ status _; do
        status=${status%"$cr"}
        begins='' total='' counts=''
        while IFS= read -r line && line=${line%"$cr"} && [ -n "$line" ]; do
            case $line in
                [Cc]ontent-[Rr]ange:*)
                    begins=${line#*[Bb]ytes } total=${line##*/} counts=1
                    begins=${begins%%-*}
                    ;;
                [Cc]ontent-[Ll]ength:* | [Tt]ransfer-[Ee]ncoding:* | [Ee][Tt]ag:*) counts=1 ;;
            esac
        done
        # Redirections come first, and a proxy's word that it opens a tunnel, which has no such header.
        case $status/$counts in 1* | 3* | 200/) continue ;; esac
        printf '%s\n' "$status" >"$notes.http"
        case $status/$begins/$total in
            206/"$at"/"$size" | 206/"$at"/'*')
                rm -f "$notes.trouble"
                cat
                ;;
            206/*) echo 416 >"$notes.http" ;; # not these bytes, or of an object of another size
            200/*) part "$at" ;;              # it knows no Range
            *) head -c 65536 >/dev/null ;;    # why: curl is not to complain of a pipe that was closed
        esac
        break
    done
}
