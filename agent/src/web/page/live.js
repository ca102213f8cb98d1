"use strict";
(() => {
  const note = document.getElementById("note");
  const old = "No answer from the agent: what stands here is old.";
  // What is old must not look like the present: no verdict keeps its colour.
  const say = (text) => { note.hidden = !text; note.textContent = text; document.body.classList.toggle("old", !!text); };
  // Makes one element say what another says. What says it already is not touched: focus, selection, scrolling, what is unfolded.
  const morph = (here, fresh) => {
    if (here.nodeName === "DETAILS") fresh.open = here.open;
    if (here.isEqualNode(fresh)) return;
    if (here.nodeName !== fresh.nodeName || here.nodeType !== Node.ELEMENT_NODE) return here.replaceWith(fresh);
    for (const { name } of [...here.attributes]) if (!fresh.hasAttribute(name)) here.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (here.getAttribute(name) !== value) here.setAttribute(name, value);
    const ids = new Set([...fresh.children].map((one) => one.id));
    const known = new Map();
    for (const one of [...here.children]) {
      if (!one.id) continue;
      if (ids.has(one.id)) known.set(one.id, one); else one.remove();
    }
    let at = here.firstChild;
    for (const next of [...fresh.childNodes]) {
      const same = next.id ? known.get(next.id) : at && !at.id && at.nodeName === next.nodeName ? at : null;
      if (!same) { here.insertBefore(next, at); continue; }
      if (same === at) at = at.nextSibling; else here.insertBefore(same, at);
      morph(same, next);
    }
    while (at) { const gone = at; at = at.nextSibling; gone.remove(); }
  };
  let busy = false, again = false, fresh_at = performance.now();
  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    const began = performance.now();
    try {
      const answer = await fetch("/", { cache: "no-store" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("main");
      if (!fresh) throw new Error("no page");
      morph(document.querySelector("main"), fresh);
      morph(document.getElementById("head"), page.getElementById("head"));
      document.title = page.title;
      fresh_at = performance.now();
      say("");
    } catch {
      say(old);
    }
    // A slow machine spends at most a tenth of its time on this.
    setTimeout(() => { busy = false; if (again) { again = false; refresh(); } }, 9 * (performance.now() - began));
  };
  const events = new EventSource("/api/v1/events");
  events.addEventListener("published", refresh);
  events.addEventListener("error", () => { if (events.readyState === EventSource.CLOSED) say(old); });
  // An event comes at least every 20 seconds; an agent that is gone sends none, and the browser says nothing of it.
  setInterval(() => { if (performance.now() - fresh_at > 45000) { say(old); refresh(); } }, 5000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  // A link to something folded unfolds it.
  const unfold = () => {
    const target = document.getElementById(location.hash.slice(1));
    const folded = target && target.closest("details");
    if (folded) { folded.open = true; folded.querySelector("summary").focus(); }
  };
  addEventListener("hashchange", unfold);
  unfold();
})();
