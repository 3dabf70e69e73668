# A file that waits in the run's folder for its place. It must not be one with a key in it.
# staged_file.sh WORKDIR RUN NAME
WORKDIR=$1 RUN=$2 NAME=$3
case $NAME in
    *node_key* | *priv_validator* | *..*) fail "$NAME is not shown" ;;
esac
emit_file text "$WORKDIR/.loomtui/runs/$RUN/stage/$NAME" 1048576
