"use strict";
// Brings the page up to date by fetching it anew; says so when that fails.
(() => {
  const pause = 2000;
  const stale = document.getElementById("stale");
  const update = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch("/", { cache: "no-store", signal: AbortSignal.timeout(5000) });
      if (!answer.ok) throw new Error("status " + answer.status);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const open = [...document.querySelectorAll("details[open]")].map((d) => d.id);
      document.querySelector("main").replaceWith(fresh.querySelector("main"));
      open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
      stale.hidden = true;
    } catch (e) {
      stale.hidden = false;
    }
  };
  const loop = async () => {
    await update();
    setTimeout(loop, pause);
  };
  document.addEventListener("visibilitychange", update);
  setTimeout(loop, pause);
})();
