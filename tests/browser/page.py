"""Drives the page in a real Chromium: `page.py URL FOLDER`, called by tests/tests/web/page.rs, which shows it what it asks
for ("show more" on standard output is answered with a line). Pictures of each size and theme go to FOLDER.

With SEGWATCH_AXE=…/axe.min.js (npm pack axe-core) axe looks at the page too."""

import os
import pathlib
import sys
import time

from chromium import Chromium

HERE = pathlib.Path(__file__).resolve().parent
SIZES = [("phone", 360, 740), ("desk", 1280, 900), ("wall", 3840, 2160)]
FIRST = "#f-0000000000000001"


def show(what):
    print(f"show {what}", flush=True)
    assert sys.stdin.readline() == "shown\n"


def fails(what, faults):
    assert not faults, f"{what}:\n" + "\n".join(map(str, faults))


def looks(page, name, folder):
    """Every size in both themes: nothing to object to, and a picture."""
    checks = (HERE / "checks.js").read_text(encoding="utf8")
    for size, width, height in SIZES:
        for scheme in ("light", "dark"):
            page.look(width, height, scheme)
            page.js("document.querySelectorAll('details').forEach((one) => { one.open = one.id.endsWith('1'); }); scrollTo(0, 0)")
            fails(f"{name}, {size}, {scheme}", page.js(checks))
            page.picture(folder / f"{name}-{size}-{scheme}.png", whole=size != "wall" and name == "page")
    page.look(1280, 900, "light")


def axe(page, name):
    path = os.environ.get("SEGWATCH_AXE")
    if not path:
        return
    page.js(pathlib.Path(path).read_text(encoding="utf8"))
    for scheme in ("light", "dark"):
        page.look(1280, 900, scheme)
        found = page.js("axe.run().then((all) => all.violations.map((one) => "
                        "`${one.id}: ${one.help} ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 120))}`))")
        fails(f"axe, {name}, {scheme}", found)
    print(f"axe has nothing to say of {name}", flush=True)


def hostile_names_are_text(page):
    assert page.js("document.body.innerText.includes('<img src=x onerror=')"), "the name is not there"
    assert not page.js("window.pwned || document.querySelectorAll('main img, main script').length"), "a name became markup"


def mouse(page, url):
    """From the verdict to flows and back, into a finding, and from a camera to its finding."""
    page.click(".matrix a.violated")
    page.until("location.pathname === '/flows' && document.querySelectorAll('tbody tr').length === 1", "flows of a cell")
    looks_at = page.js("document.querySelector('h2').textContent")
    assert looks_at == "Flows of findings from cctv to internet", looks_at
    axe(page, "flows")
    page.click("main p a")
    page.until("location.pathname === '/' && document.querySelector('.matrix a')", "the way back")
    page.click(".matrix a[href*=rule]")
    page.until("location.search.startsWith('?rule=')", "flows of a conduit")
    page.open(url)
    page.click(f"{FIRST} summary")
    page.until(f"document.querySelector('{FIRST}').open", "an open finding")
    told = page.js(f"document.querySelector('{FIRST}').innerText")
    for word in ("203.0.113.50", "established", "cloud, expired", "segwatch.yaml:41", "Packets (pcapng; needs a user", "ticket 4711"):
        assert word in told, f"{word} is not in {told}"
    page.click(f"{FIRST} summary")
    page.until(f"!document.querySelector('{FIRST}').open", "a closed finding")
    page.click(f".cameras a[href='#i-{FIRST[3:]}']")
    page.until(f"document.querySelector('{FIRST}').open && document.activeElement.closest('details')", "a camera's finding")
    page.open(url)


def keyboard(page):
    """Everything can be reached, in the order in which it is read, and one sees where one is."""
    page.js("document.activeElement.blur(); scrollTo(0, 0)")
    wanted = page.js("[...document.querySelectorAll('a,summary,[tabindex]')].filter((one) => one.checkVisibility()).length")
    seen = []
    for _ in range(wanted + 1):
        page.key("Tab", 9)
        at = page.js("""(() => {
          const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
          if (one === document.body) return null;
          return { place: [...document.querySelectorAll('*')].indexOf(one), name: one.outerHTML.slice(0, 80),
            ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
            there: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth };
        })()""")
        if at is None:
            break
        seen.append(at)
        assert at["ring"] and at["there"], f"the focus cannot be seen: {at}"
    places = [at["place"] for at in seen]
    assert places == sorted(set(places)), "the order of Tab is not that of reading"
    assert len(seen) >= wanted, f"{len(seen)} of {wanted} were reached: {[at['name'] for at in seen]}"
    assert "skip" in seen[0]["name"], seen[0]
    page.js(f"document.querySelector('{FIRST} summary').focus()")
    page.key("Enter", 13, "\r")
    page.until(f"document.querySelector('{FIRST}').open", "a finding opened with Enter")
    print(f"{len(seen)} places for the keyboard", flush=True)


def live(page):
    """What happens appears by itself, and what one was reading stays."""
    page.js(f"window.mine = 1; document.querySelector('{FIRST}').open = true; document.querySelector('{FIRST} summary').focus();"
            f"window.before = document.querySelector('{FIRST}')")
    show("more")
    page.until("document.getElementById('f-0000000000000004')", "a new finding")
    assert page.js("window.mine === 1"), "the page was loaded again"
    assert page.js(f"document.querySelector('{FIRST}') === window.before && window.before.open"), "what was unfolded is not"
    assert page.js("document.activeElement.parentElement === window.before"), "the focus went away"
    assert page.js("document.activeElement.checkVisibility() && document.getElementById('note').hidden")
    show("small")
    page.until("!document.getElementById('f-0000000000000004')", "a finding that left")


def unplugged(page):
    """An agent that does not answer: what stands there looks like the past, until it answers again."""
    conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.call("Network.emulateNetworkConditions", offline=True, **conditions)
    look_again = "document.dispatchEvent(new Event('visibilitychange'))"
    colours = "[getComputedStyle(document.querySelector('.verdict')).color, getComputedStyle(document.querySelector('.dim')).color]"
    page.js(look_again)
    page.until("!document.getElementById('note').hidden && document.getElementById('note').innerText.includes('old')", "a word of it")
    verdict, dim = page.js(colours)
    assert verdict == dim, "the verdict looks like the present"
    page.call("Network.emulateNetworkConditions", offline=False, **conditions)
    page.until(f"{look_again} && document.getElementById('note').hidden", "the present")
    assert len(set(page.js(colours))) == 2
    page.said = [said for said in page.said if "ERR_INTERNET_DISCONNECTED" not in said]


def crowd(page, url, folder):
    show("crowd")
    began = time.monotonic()
    page.open(url)
    took = page.js("(() => { const [one] = performance.getEntriesByType('navigation');"
                   " return [one.responseEnd, one.domContentLoadedEventEnd, one.loadEventEnd, one.decodedBodySize].map(Math.round); })()")
    count = page.js("document.querySelectorAll('*').length")
    page.js("window.slowest = 0; new PerformanceObserver((list) => list.getEntries().forEach((one) =>"
            " { window.slowest = Math.max(window.slowest, one.duration); })).observe({ type: 'longtask', buffered: true })")
    page.js("scrollTo(0, document.body.scrollHeight)")
    page.picture(folder / "crowd-end.png")
    loading = page.js("[window.slowest, window.slowest = 0][0]")
    show("crowd again")
    page.until("document.body.innerText.includes('499 devices')", "499 cameras")
    print(f"500 cameras, 5,000 findings: answered after {took[0]} ms, parsed {took[1]}, loaded {took[2]}, {took[3]} bytes, {count} elements,"
          f" in all {time.monotonic() - began:.1f} s; longest task {loading} ms, of a live update {page.js('window.slowest')} ms", flush=True)
    page.js("scrollTo(0, 0)")
    looks(page, "crowd", folder)


def main():
    url, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    try:
        page = Chromium()
    except FileNotFoundError:
        print("chromium is missing", file=sys.stderr)
        sys.exit(77)
    try:
        page.look(1280, 900, "light")
        page.open(url)
        hostile_names_are_text(page)
        mouse(page, url)
        keyboard(page)
        live(page)
        unplugged(page)
        hostile_names_are_text(page)
        axe(page, "the page")
        looks(page, "page", folder)
        page.open(f"{url}/flows?finding={FIRST[3:]}")
        looks(page, "flows", folder)
        crowd(page, url, folder)
        fails("the console", page.said)
        fails("asked elsewhere", [asked for asked in page.asked if not asked.startswith((url, "data:,"))])
        show("nothing")
        page.open(url)
        fails("nothing published", page.js((HERE / "checks.js").read_text(encoding="utf8")))
        assert page.js("document.querySelector('.verdict').textContent") == "unverified"
    finally:
        page.close()


main()
