"""`cargoclient`; its interactive mode is `cargo_ctl.shell`.

backup           the loop of the backup menu
backup_door      opens sessions at a backup coordinator
backup_settings  the settings that the backup menu keeps
child            a daemon as a child process, for one job file
main             the command line: chooses the mode
menu             the texts of the backup menu in three languages
"""
