"""`cargoclient`: one job file, one daemon of its own, watched until it ends."""
