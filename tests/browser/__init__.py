"""Our pages in a real browser: Chromium, driven by Playwright.

chromium  finds a Chromium, or installs one
looking   a page that a test looks at: its errors, axe, screens
"""
