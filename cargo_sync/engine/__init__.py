"""The engine: one run of a job as a straight line, survey -> plan -> execute -> commit."""
