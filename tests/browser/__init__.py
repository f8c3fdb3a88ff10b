"""Our pages in a real browser: Chromium, driven by Playwright.

chromium  finds a Chromium, or installs one
fleet     a server, a daemon and `cargo_ctl web`, and a page that is logged in
looking   a page that a test looks at: its errors, axe, screens
"""
