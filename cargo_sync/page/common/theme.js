/* Light or dark: read before the first picture, so that it does not flash. No module, and nothing else. */
{
  let chosen = null;
  try {
    chosen = localStorage.getItem("cargo.theme");
  } catch {
    // A browser that keeps nothing follows the system.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
