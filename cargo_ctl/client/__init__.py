"""`cargoclient`: `main` chooses by mode, `child` runs one job file in a daemon of its own, `backup`
and `menu` are the backup menu; the interactive client is `cargo_ctl.shell`."""
