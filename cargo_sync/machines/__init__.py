"""Small state machines and schedules, as tables and pure functions: time is an argument."""
