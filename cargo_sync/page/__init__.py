"""The pages that people look at: plain ES modules and web components, without a build step.

There is no Python here. `cargo_sync.api.page_files` reads the files; `cargo_ctl web` and the server
serve them.
"""
