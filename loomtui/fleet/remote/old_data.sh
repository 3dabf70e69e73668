# Which of a node's databases can be given up, and what of them: the same words for the look before a plan and for the
# script that deletes them. Comes after lib.sh. Nothing here writes.

# names_database NAME: below $WORKDIR, it names a database that a restore replaces.
names_database() {
    case $1 in
        *[!A-Za-z0-9._/-]* | *..* | chaindata/data/*/*) return 1 ;;
        chaindata/data/?*.db) ;;
        */*) return 1 ;;
        ?*.db | receipts_db) ;;
        *) return 1 ;;
    esac
}

# is_own_database NAME: such a database is there, in its own place: nothing elsewhere is meant.
is_own_database() {
    names_database "$1" || return 1
    case $1 in chaindata/*) [ ! -L "$WORKDIR/chaindata" ] && [ ! -L "$WORKDIR/chaindata/data" ] || return 1 ;; esac
    [ -d "$WORKDIR/$1" ] && [ ! -L "$WORKDIR/$1" ]
}

# database_files NAME ARG...: find, for the files that LevelDB makes in a database of $WORKDIR. What else lies there is
# not of the database. Sources: filename.cc of LevelDB, file_storage.go of goleveldb.
database_files() {
    folder=$WORKDIR/$1
    shift
    find "$folder" -xdev -maxdepth 1 -type f \( -name '[0-9]*.ldb' -o -name '[0-9]*.sst' -o -name '[0-9]*.log' \
        -o -name '[0-9]*.tmp' -o -name '[0-9]*.dbtmp' -o -name 'MANIFEST-[0-9]*' -o -name CURRENT -o -name 'CURRENT.*' \
        -o -name LOG -o -name LOG.old -o -name LOCK \) "$@"
}
