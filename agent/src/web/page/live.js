"use strict";
(() => {
  const note = document.getElementById("note");
  const say = (text) => { note.hidden = !text; note.textContent = text; };
  let busy = false;
  const refresh = async () => {
    if (busy) return;
    busy = true;
    try {
      const answer = await fetch("/", { cache: "no-store" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("main");
      if (!fresh) throw new Error("no page");
      const open = new Set([...document.querySelectorAll("details[open]")].map((one) => one.id));
      const focused = document.activeElement && document.activeElement.closest("[id]");
      fresh.querySelectorAll("details").forEach((one) => { one.open = open.has(one.id); });
      document.querySelector("main").replaceWith(fresh);
      document.getElementById("head").replaceWith(page.getElementById("head"));
      if (focused && fresh.querySelector("#" + CSS.escape(focused.id))) {
        const again = document.getElementById(focused.id);
        (again.querySelector("summary") || again).focus({ preventScroll: true });
      }
      document.title = page.title;
      say("");
    } catch {
      say("No answer from the agent: what stands here is old.");
    } finally {
      busy = false;
    }
  };
  const events = new EventSource("/api/v1/events");
  events.addEventListener("published", refresh);
  events.addEventListener("error", () => { if (events.readyState === EventSource.CLOSED) say("No answer from the agent: what stands here is old."); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
})();
