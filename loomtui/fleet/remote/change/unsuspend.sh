# Lets the clock start backup.sh again, as before `suspend.sh`.
# unsuspend.sh WORKDIR RUN
WORKDIR=$1 RUN=$2
own_lock "$WORKDIR" "$RUN"
put_back_jobs "$WORKDIR" "$RUN"
