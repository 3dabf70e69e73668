"""What a run leaves to be done: in the data of its events, for those who read the journal afterwards.

Journals hold these names: never change one. An older journal has none of them, and nothing is told then.
"""

#: What the run kept was deleted.
CLEANED = "cleaned"
#: A node that was left out is as it was before the run, and given back; it stays stopped and held.
GIVEN_BACK = "given_back"
#: What starts backup.sh, and does so again: its place.
JOB_BACK = "job_back"
#: The same where it could not be started again.
JOB_LOST = "job_lost"
#: In the end of a run: how many bytes `clean` would free, by node. A node that did not say it is not there.
KEPT = "kept"
#: The node is left out from then on: it stays stopped and held.
LEFT_OUT = "left_out"
#: The node's unit stays as it is, though a change was proposed.
UNIT_KEPT = "unit_kept"
