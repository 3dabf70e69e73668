# Lets the clock start backup.sh again, as before `suspend.sh`.
# unsuspend.sh WORKDIR RUN
own_lock "$1" "$2"
put_back_jobs "$1" "$2"
