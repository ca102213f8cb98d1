"""Chromium without a window, driven through its debugging pipe; nothing but Python's own library is needed."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

PATIENCE = 30


class Chromium:
    """One browser with one page. What the page says on its console and what it asks for is kept."""

    def __init__(self):
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if not program:
            raise FileNotFoundError("chromium")
        self.home = tempfile.mkdtemp(prefix="segwatch-chromium-")
        to_child, self.to = os.pipe()
        self.of, from_child = os.pipe()

        def hand_over():
            ends = [os.dup(to_child), os.dup(from_child)]
            spare = [os.dup2(end, 100 + at) for at, end in enumerate(ends)]
            os.dup2(spare[0], 3)
            os.dup2(spare[1], 4)

        words = ["--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu", "--hide-scrollbars",
                 "--no-first-run", "--disable-background-networking", "--disable-component-update",
                 "--disable-dev-shm-usage", f"--user-data-dir={self.home}", "about:blank"]
        self.child = subprocess.Popen([program, *words], pass_fds=(3, 4), preexec_fn=hand_over,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_child)
        os.close(from_child)
        self.left, self.number, self.session = b"", 0, None
        self.said, self.asked, self.loads = [], [], 0
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self):
        """Asks it to end; what it leaves behind goes too."""
        self.session = None
        try:
            self.call("Browser.close")
            self.child.wait(10)
        except (OSError, RuntimeError, TimeoutError, subprocess.TimeoutExpired):
            self.child.kill()
            self.child.wait()
        for _ in range(20):
            shutil.rmtree(self.home, ignore_errors=True)
            if not os.path.exists(self.home):
                return
            time.sleep(0.1)  # Its helpers end a little later.

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + PATIENCE
        while True:
            answer = self.receive(end)
            if answer is None:
                raise TimeoutError(method)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def receive(self, end):
        """The next message; what is no answer is noted."""
        while b"\0" not in self.left:
            if not select.select([self.of], [], [], max(0, end - time.monotonic()))[0]:
                return None
            read = os.read(self.of, 1 << 20)
            if not read:
                raise RuntimeError("chromium ended")
            self.left += read
        text, self.left = self.left.split(b"\0", 1)
        message = json.loads(text)
        params = message.get("params", {})
        match message.get("method"):
            case "Runtime.consoleAPICalled":
                self.said.append(f"{params['type']}: {params['args']}")
            case "Runtime.exceptionThrown":
                self.said.append(f"exception: {params['exceptionDetails']}")
            case "Log.entryAdded":
                self.said.append(f"{params['entry']['level']}: {params['entry']['text']} {params['entry'].get('url')}")
            case "Network.requestWillBeSent":
                self.asked.append(params["request"]["url"])
            case "Page.loadEventFired":
                self.loads += 1
        return message

    def js(self, code):
        """What an expression is worth in the page."""
        answer = self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{code}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, code, what):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                if self.js(f"!!({code})"):
                    return
            except RuntimeError:
                pass  # Between two pages.
            time.sleep(0.05)
        raise AssertionError(f"never: {what}")

    def open(self, url):
        loads = self.loads
        self.call("Page.navigate", url=url)
        end = time.monotonic() + PATIENCE
        while self.loads == loads:
            if self.receive(end) is None:
                raise TimeoutError(url)

    def look(self, width, height, scheme, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def click(self, selector):
        """With the mouse, where the thing is drawn."""
        quoted = json.dumps(selector)
        # Before its first picture a page takes no input.
        self.until("performance.getEntriesByName('first-contentful-paint').length", "a picture")
        self.js("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        place = self.js(
            f"(() => {{ const it = document.querySelector({quoted}); if (!it) return null;"
            " it.scrollIntoView({ block: 'center', behavior: 'instant' }); const box = it.getClientRects()[0];"
            " const at = [box.left + Math.min(8, box.width / 2), box.top + box.height / 2];"
            " const hit = document.elementFromPoint(...at); return it.contains(hit) ? at : null; })()")
        assert place, f"nothing to click on: {selector}"
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def key(self, key, code=0, text=""):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text=text if kind == "keyDown" else "")

    def picture(self, path, whole=False):
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
