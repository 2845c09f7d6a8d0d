"""Headless Chromium (Debian's) driven by Playwright, for tests of the page at /ui."""

import pathlib
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import cluster  # noqa: E402

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
WAIT_MS = 15000  # for what is not measured; two cores may be busy
POLL_MS = 20


def find():
    """The path of the browser, after Playwright has been made importable. Ends the test as skipped without either."""
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        print("Chromium is not there, which leaves these tests out")
        sys.exit(cluster.SKIPPED)
    done = subprocess.run([HERE / "install_playwright", sys.executable], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        print(f"Playwright is not there, which leaves these tests out: {done.stderr.strip()}")
        sys.exit(cluster.SKIPPED)
    sys.path.insert(0, done.stdout.strip())
    return path


class Page:
    """A page of /ui in a context of its own, and all that the browser complained about or asked for."""

    def __init__(self, browser, port, **context):
        self.context = browser.new_context(viewport={"width": 1280, "height": 900}, **context)
        self.context.set_default_timeout(WAIT_MS)
        self.page = self.context.new_page()
        self.errors, self.requests = [], []
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.origin = f"http://127.0.0.1:{port}"
        self.answer = self.page.goto(f"{self.origin}/ui")

    def _on_console(self, message):
        if message.type in ("error", "warning"):
            self.errors.append(f"{message.text} {message.location}")

    def text(self, selector):
        return self.page.locator(selector).inner_text()

    def wait(self, expression, arg=None, timeout_ms=WAIT_MS):
        """Until the JavaScript is true. Not by wait_for_function, which evaluates in the page: its policy forbids that."""
        deadline = time.monotonic() + timeout_ms / 1000
        while not self.page.evaluate(expression, arg):
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {timeout_ms} ms for {expression} with {arg}")
            self.page.wait_for_timeout(POLL_MS)

    def wait_for_text(self, selector, text, timeout_ms=WAIT_MS):
        """Until the element's text is exactly `text`."""
        self.wait("([s, t]) => document.querySelector(s)?.textContent === t", [selector, text], timeout_ms)

    def focused(self):
        """The id of what has the focus, else its text."""
        return self.page.evaluate("document.activeElement.id || document.activeElement.textContent")

    def close(self):
        self.context.close()
