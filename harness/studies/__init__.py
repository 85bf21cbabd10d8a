"""Things that plan new cells from old results: verify, diagnose, why."""
