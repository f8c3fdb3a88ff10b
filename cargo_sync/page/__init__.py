"""The pages that people look at: plain ES modules and web components, without a build step.

There is no Python here. `cargo_sync.api.page_files` reads the files and puts those of a page
together (`api.page_pack` says why, and which forms of `import` and `export` it knows); `cargo_ctl
web` and the server serve them.

What is where: `common` has what all pages are made of (elements, words, icons, table, chart, bar,
dialog, menu, messages, requests, feed, router), and theme.css every colour and component; `jobs`,
`servers` and `files` have the pages. A browser begins with `jobs.html` at `cargo_ctl web`, and with
`files.html` at a server. What the first picture shows is in `jobs.html`; scripts bring it to life.

Names of files and jobs come from anybody. So nothing here parses HTML (a Content-Security-Policy
and Trusted Types forbid it, too): common/element.js makes elements and text nodes.
"""
