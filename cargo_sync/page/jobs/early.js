/* Asks for the jobs while the page's own script is still on its way, if that is what will be shown. No module, and before
   the style sheet, for which scripts behind it wait. common/feed.js takes the answer; nobody else knows of it. */
{
  const path = "api/feed?view=jobs";
  try {
    const login = JSON.parse(sessionStorage.getItem("cargo.web"));
    if (login?.bearer && /^#?\/?$/.test(location.hash)) {
      const request = new AbortController();
      const response = fetch(path, {
        headers: { Accept: "text/event-stream", Authorization: `Bearer ${login.bearer}` },
        signal: request.signal,
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        referrerPolicy: "no-referrer",
      });
      // What a refusal says is read by who takes the response.
      const begun = response.then((answer) => {
        if (!answer.ok) return null;
        const reader = answer.body.getReader();
        return { reader, first: reader.read() };
      });
      begun.catch(() => {}); // who takes it sees the error
      window.cargoEarly = { path, bearer: login.bearer, request, response, begun };
    }
  } catch {
    // The page asks by itself.
  }
}
