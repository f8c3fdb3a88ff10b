"""The pages that people look at: plain ES modules and web components, without a build step.

There is no Python here. `cargo_sync.api.page_files` reads the files; `cargo_ctl web` and the server
serve them.

common/     what all pages are made of: elements, words, icons, table, chart, bar, dialog, menu,
            messages, requests, feed, router; theme.css has every colour and component
jobs/       the pages of jobs, of `cargo_ctl web`
servers/    its pages of servers
files/      the page of files, of a server
jobs.html   where a browser begins at `cargo_ctl web`: jobs/main.js, then jobs/shell.js
files.html  where it begins at a server

Names of files and jobs come from anybody. So nothing here parses HTML (a Content-Security-Policy
and Trusted Types forbid it, too): common/element.js makes elements and text nodes.
"""
