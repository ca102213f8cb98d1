// What a page must hold whoever reads it: a list of faults, in the way of Lighthouse and axe.
(() => {
  const faults = [];
  const all = (what) => [...document.querySelectorAll(what)];
  const must = (holds, fault) => { if (!holds) faults.push(fault); };
  const named = (one) => (one.getAttribute("aria-label") || one.textContent).trim();
  must(document.documentElement.lang, "no language");
  must(document.title.trim(), "no title");
  must(!/maximum-scale|user-scalable/.test(document.querySelector("meta[name=viewport]").content), "no zoom");
  for (const what of ["main", "h1", "footer", "header"]) must(all(what).length === 1, `${all(what).length} of ${what}`);
  let last = 0;
  for (const one of all("h1,h2,h3,h4,h5,h6")) {
    const level = Number(one.nodeName[1]);
    must(level <= last + 1, `heading ${one.textContent} skips a level`);
    last = level;
  }
  const ids = all("[id]").map((one) => one.id);
  must(new Set(ids).size === ids.length, "an id is there twice");
  for (const one of all("a,button,summary")) must(named(one), `no name: ${one.outerHTML.slice(0, 90)}`);
  for (const one of all("a[href^='#']")) must(document.getElementById(one.hash.slice(1)), `leads nowhere: ${one.hash}`);
  for (const one of all("section")) must(document.getElementById(one.getAttribute("aria-labelledby")), "a section without a name");
  const places = all("section").map((one) => document.getElementById(one.getAttribute("aria-labelledby")).textContent);
  places.push(...all("[role=region]").map(named));
  must(new Set(places).size === places.length, `two places of one name: ${places}`);
  for (const one of all("img,svg")) must(one.alt || one.getAttribute("aria-hidden") === "true" || one.getAttribute("aria-label"), "a picture without words");
  for (const one of all("table")) {
    must([...one.querySelectorAll("th")].every((head) => head.scope), "a table's head without scope");
    must(one.querySelector("thead th"), "a table without heads");
    const widths = new Set([...one.rows].map((row) => row.cells.length));
    must(widths.size === 1, `a table's rows have ${[...widths]} cells`);
  }
  for (const one of all(".scroll")) must(one.tabIndex === 0 && one.getAttribute("aria-label"), "a region that no key scrolls");
  must(!all("[tabindex]").some((one) => one.tabIndex > 0), "an order of its own");
  must(!all("[style],[onclick],[onerror],[onload],iframe,object,embed,form,input").length, "what no page of ours has");
  must(document.scrollingElement.scrollWidth <= innerWidth, `wider than the screen: ${document.scrollingElement.scrollWidth} of ${innerWidth}`);

  // WCAG 2.2, 1.4.3 and relative luminance.
  const parts = (color) => color.match(/[\d.]+/g).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((part) => { const c = part / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => { const [high, low] = [light(a), light(b)].sort((x, y) => y - x); return (high + 0.05) / (low + 0.05); };
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) { const color = parts(getComputedStyle(at).backgroundColor); if (color.length < 4 || color[3] === 1) return color; }
    return [255, 255, 255];
  };
  let words = 0;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walk.nextNode()) {
    const one = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || seen.has(one) || one.closest("script,style")) continue;
    seen.add(one);
    words += 1;
    const style = getComputedStyle(one), big = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    const found = ratio(parts(style.color), behind(one));
    must(found >= (big ? 3 : 4.5), `contrast ${found.toFixed(2)}: ${one.textContent.slice(0, 40)}`);
  }
  for (const one of all("path.o,path.g")) must(ratio(parts(getComputedStyle(one).fill), behind(one)) >= 3, "a strip that is hard to see");
  must(words > 5, "nothing was read");
  return [...new Set(faults)];
})()
