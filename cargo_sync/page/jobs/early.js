/* What need not wait for the page's own script, which is still on its way. No module, and before the style sheet, for
   which scripts behind it wait.

   It says which part of the document's frame is of use (`data-shows`, jobs.css): all of it before the list of jobs, the
   bar alone before another page, nothing before the login. It gives the key of a link back for a login, and asks for the
   jobs if they will be shown. jobs/entrance.js and common/feed.js take the answers; nobody else knows of them. */
{
  const common = { cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer" };

  const ask = (bearer) => {
    const path = "api/feed?view=jobs";
    const request = new AbortController();
    const headers = { Accept: "text/event-stream", Authorization: `Bearer ${bearer}` };
    const response = fetch(path, { ...common, headers, signal: request.signal });
    // What a refusal says is read by who takes the response.
    const begun = response.then((answer) => {
      if (!answer.ok) return null;
      const reader = answer.body.getReader();
      return { reader, first: reader.read() };
    });
    begun.catch(() => {}); // who takes it sees the error
    window.cargoEarly = { path, bearer, request, response, begun };
  };

  const enter = (key) => {
    const headers = { "Content-Type": "application/json" };
    const response = fetch("api/enter", { ...common, method: "POST", headers, body: JSON.stringify({ key }) });
    const login = response.then(async (answer) => {
      if (!answer.ok) return null;
      const given = await answer.json();
      ask(given.bearer);
      return given;
    });
    login.catch(() => {}); // who takes it sees the error
    window.cargoEntered = { response, login };
  };

  /* The key in the address, which is taken out of it at once: a page's address is kept and copied. */
  const keyOfLink = () => {
    const found = /^#key=([^&]+)/.exec(location.hash);
    if (!found) return null;
    history.replaceState(null, "", location.pathname + location.search);
    try {
      return decodeURIComponent(found[1]);
    } catch {
      return found[1];
    }
  };

  const bearerOfTab = () => {
    try {
      return JSON.parse(sessionStorage.getItem("cargo.web"))?.bearer ?? null;
    } catch {
      return null; // the page asks who is there
    }
  };

  const key = keyOfLink();
  const bearer = bearerOfTab();
  const jobs = /^#?\/?$/.test(location.hash);
  document.documentElement.dataset.shows = !key && !bearer ? "login" : jobs ? "jobs" : "other";
  if (key) enter(key);
  else if (bearer && jobs) ask(bearer);
}
