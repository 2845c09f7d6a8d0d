#!/usr/bin/env python3
"""The page at /ui in a real browser, served by members and by a proxy.

    ui_test.py [--member PROGRAM] [--proxy PROGRAM] [--screenshots DIRECTORY] [TEST]
"""

import base64
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import browser

import cluster
from cluster import wait_for

PROGRAMS = {"member": str(cluster.ROOT / "build/release/bin/gatehouse-member"),
            "proxy": str(cluster.ROOT / "build/release/bin/gatehouse-proxy"), "screenshots": None}
WORK = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-ui-"))
LEADER_CHANGE_MS = 2000  # what the page promises
HOSTILE = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>'


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def post(port, path, body, timeout_s=10.0):
    """The decoded answer of the REST gateway, None when there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        answer = connection.getresponse()
        return json.loads(answer.read()) if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def put(port, key, value=""):
    assert post(port, "/v3/kv/put", {"key": b64(key), "value": b64(value)})


def port_of(member):
    return int(member.endpoint.rsplit(":")[-1])


def setUpModule():
    Ui.etcd = cluster.EtcdCluster(3, WORK / "members", kind=PROGRAMS["member"], flags=["--metrics=extensive"])
    unittest.addModuleCleanup(Ui.etcd.stop)
    Ui.etcd.start()
    Ui.proxy = cluster.Proxy(Ui.etcd.endpoints, PROGRAMS["proxy"], WORK / "proxy")
    unittest.addModuleCleanup(Ui.proxy.stop)
    Ui.proxy.start()
    from playwright.sync_api import sync_playwright
    playwright = sync_playwright().start()
    unittest.addModuleCleanup(playwright.stop)
    # Chromium's sandbox refuses root, who runs the tests in a container.
    Ui.chromium = playwright.chromium.launch(executable_path=Ui.path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
    unittest.addModuleCleanup(Ui.chromium.close)


class Ui(unittest.TestCase):
    etcd = proxy = chromium = path = None

    def open(self, port, **context):
        page = browser.Page(self.chromium, port, **context)
        self.addCleanup(page.close)
        return page

    def keep_screenshot(self, page, name):
        if PROGRAMS["screenshots"]:
            page.page.screenshot(path=f"{PROGRAMS['screenshots']}/{name}.png", full_page=True)

    def leader_by(self, member):
        """Who leads, as that member has it: a name, None while there is nobody."""
        status = post(port_of(member), "/v3/maintenance/status", {}, 1.0)
        listed = post(port_of(member), "/v3/cluster/member/list", {"linearizable": False}, 1.0)
        names = {each["ID"]: each["name"] for each in (listed or {}).get("members", [])}
        return names.get((status or {}).get("leader"))

    def test_loads_and_fills(self):
        leader = wait_for(lambda: self.leader_by(self.etcd.members[0]), "a leader")
        for role, port in (("member", port_of(self.etcd.members[0])), ("proxy", self.proxy.port)):
            with self.subTest(role):
                page = self.open(port)
                self.assertEqual(page.answer.status, 200)
                self.assertEqual(page.text("#role"), role)
                page.wait_for_text("#leader", leader)
                page.wait_for_text("#pulse", "live")
                page.wait_for_text("#alarms", "none")
                self.assertEqual(page.page.locator("#members tr").count(), 3)
                self.assertRegex(page.text("#database"), r"^\d+(\.\d)? .?i?B of 2\.0 GiB$")
                # Two pages of metrics make a rate; the page's own questions are calls.
                page.wait("Number(document.querySelector('#calls').textContent) > 0")
                page.wait("document.querySelector('#latencies').textContent.includes('WAL fsync')")
                self.assertEqual(page.page.locator("#proxy").is_visible(), role == "proxy")
                if role == "proxy":
                    page.wait("document.querySelectorAll('#upstreams tr').length === 3")
                    # It asks one member after the other, until each has told of itself.
                    page.wait("[...document.querySelectorAll('#members tr')]"
                                                ".every(row => row.cells[4].textContent !== '–')", timeout_ms=60000)
                self.keep_screenshot(page, role)
                self.assertEqual(page.errors, [])
                outside = [url for url in page.requests if not url.startswith((page.origin, "data:"))]
                self.assertEqual(outside, [])

    def test_nothing_but_its_own_script_runs(self):
        page = self.open(self.proxy.port)
        headers = page.answer.headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        self.assertEqual((policy["default-src"], policy["connect-src"]), ("'none'", "'self'"))
        self.assertNotIn("unsafe", headers["content-security-policy"])
        self.assertNotIn("access-control-allow-origin", headers)
        # Markup made of a string is refused, wherever in the page somebody should try it one day.
        refused = page.page.evaluate("() => { try { document.body.innerHTML = 'x'; return false; } catch { return true; } }")
        self.assertTrue(refused)

    def test_leader_change_within_two_seconds(self):
        leads = wait_for(lambda: self.leader_by(self.etcd.members[0]), "a leader")
        old = next(member for member in self.etcd.members if member.name == leads)
        survivor = next(member for member in self.etcd.members if member is not old)
        pages = {"member": self.open(port_of(survivor)), "proxy": self.open(self.proxy.port)}
        for page in pages.values():
            page.wait_for_text("#leader", leads)
        old.kill()
        self.addCleanup(old.start)
        new = wait_for(lambda: (name := self.leader_by(survivor)) != leads and name, "the next leader")
        known = time.monotonic()
        pages["member"].wait_for_text("#leader", new, LEADER_CHANGE_MS)
        print(f"the member's page showed the new leader {1000 * (time.monotonic() - known):.0f} ms after its member knew")
        self.assertEqual(pages["member"].errors, [])
        self.assertRegex(pages["member"].text("#events"), rf"{new} leads, term \d+")
        # The proxy's may have asked the one that is gone; its next question goes to another.
        pages["proxy"].wait_for_text("#leader", new)
        self.assertRegex(pages["proxy"].text("#events"), rf"{new} leads, term \d+")

    def test_keyboard(self):
        for number in range(3):
            put(self.proxy.port, f"keyboard/{number}", f"value {number}")
        page = self.open(self.proxy.port)
        press = page.page.keyboard.press
        press("Tab")
        self.assertEqual(page.focused(), "Skip to the keys")
        press("Enter")
        self.assertEqual(page.focused(), "keys")
        press("/")
        self.assertEqual(page.focused(), "prefix")
        page.page.keyboard.type("keyboard/")
        self.assertEqual(page.page.input_value("#prefix"), "keyboard/", "a slash in the field is a slash")
        press("Enter")
        page.wait_for_text("#key-status", "3 of 3 keys")
        for _ in range(3):  # the button, "Signed in as", the list
            press("Tab")
        self.assertEqual(page.focused(), "keyboard/0")
        press("ArrowDown")
        press("ArrowDown")
        press("ArrowDown")  # the last stays the last
        self.assertEqual(page.focused(), "keyboard/2")
        press("Home")
        press("End")
        press("ArrowUp")
        self.assertEqual(page.focused(), "keyboard/1")
        press("Enter")
        page.wait_for_text("#value-text", "value 1")
        press("Tab")
        press("Space")
        self.assertEqual(page.text("#value-text"), f"00000000  {'76 61 6c 75 65 20 31':<47}  value 1")
        self.assertEqual(page.errors, [])

    def test_what_keys_and_values_say_stays_text(self):
        port = self.proxy.port
        put(port, "x/" + HOSTILE, HOSTILE)
        put(port, b"x/\x00\xff\\", b"\xfe\x01")
        put(port, "x/\u202egnp", "\u202e\u0007tab\there\nline")
        page = self.open(port)
        page.page.fill("#prefix", "x/")
        page.page.press("#prefix", "Enter")
        page.wait_for_text("#key-status", "3 of 3 keys")
        shown = {"x/" + HOSTILE: HOSTILE, r"x/\x00\xff\\": r"\xfe\x01", r"x/\u{202e}gnp": "\\u{202e}\\u{7}tab\there\nline"}
        keys = page.page.locator("#key-list button")
        self.assertEqual(set(keys.all_text_contents()), set(shown))
        for at in range(3):
            keys.nth(at).click()
            page.wait_for_text("#value-key", keys.nth(at).text_content())
            self.assertEqual(page.page.text_content("#value-text"), shown[keys.nth(at).text_content()])
        # What is shown can be typed.
        for text in shown:
            page.page.fill("#prefix", text)
            page.page.press("#prefix", "Enter")
            page.wait("t => [...document.querySelectorAll('#key-list button')].map(b => b.textContent).join() === t", text)
        self.assertIsNone(page.page.evaluate("window.hit ?? null"))
        self.assertEqual(page.page.locator("main img, main script").count(), 0)
        self.assertEqual(page.errors, [])

    def test_many_keys_come_in_parts(self):
        for number in range(130):
            put(self.proxy.port, f"many/{number:03}")
        page = self.open(self.proxy.port)
        page.page.fill("#prefix", "many/")
        page.page.press("#prefix", "Enter")
        page.wait_for_text("#key-status", "100 of 130 keys")
        page.page.click("#more")
        page.wait_for_text("#key-status", "130 of 130 keys")
        self.assertEqual(page.page.locator("#key-list button").all_text_contents(), [f"many/{n:03}" for n in range(130)])
        self.assertEqual(page.focused(), "many/100")
        self.assertFalse(page.page.locator("#more").is_visible())

    def test_asks_who_is_there_when_the_cluster_wants_to_know(self):
        """Through the proxy to a stock etcd with auth on."""
        with cluster.EtcdCluster(1, WORK / "auth") as stock, \
                cluster.Proxy(stock.endpoints, PROGRAMS["proxy"], WORK / "auth-proxy") as proxy:
            put(proxy.port, "secret", "42")
            for words in (("user", "add", "root:pass"), ("user", "grant-role", "root", "root"), ("auth", "enable")):
                subprocess.run([cluster.oracle_bin() / "etcdctl", "--endpoints", proxy.endpoint, *words], check=True,
                               env={**os.environ, "ETCDCTL_API": "3"}, stdout=subprocess.DEVNULL)
            page = self.open(proxy.port)
            page.page.press("#prefix", "Enter")
            page.wait("document.querySelector('#key-status').textContent.includes('sign in')")
            self.assertEqual(page.page.locator("#key-list button").count(), 0)
            self.assertTrue(page.page.locator("#user").is_visible(), "the form opens by itself")
            page.page.fill("#user", "root")
            page.page.fill("#password", "wrong")
            page.page.press("#password", "Enter")
            page.wait("document.querySelector('#key-status').textContent.includes('authentication failed')")
            page.page.fill("#password", "pass")
            page.page.press("#password", "Enter")
            page.wait_for_text("#who", "Signed in as root")
            self.assertEqual(page.page.input_value("#password"), "")
            page.page.press("#prefix", "Enter")
            page.wait_for_text("#key-status", "1 of 1 keys")
            page.page.click("#key-list button")
            page.wait_for_text("#value-text", "42")
            self.assertEqual(page.page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]"), [0, 0, ""])

    def test_without_a_gateway_it_says_so(self):
        with cluster.EtcdCluster(1, WORK / "plain", kind=PROGRAMS["member"], flags=["--enable-grpc-gateway=false"]) as plain:
            page = self.open(port_of(plain.members[0]))
            page.wait_for_text("#pulse", "The REST gateway is switched off here.")
            page.wait_for_text("#key-count", "0")  # of the metrics, which are there
            self.assertEqual(page.text("#leader"), "–")

    def test_light_and_dark_can_be_read(self):
        """Text against what is behind it, as WCAG 2 counts contrast: 4.5 is its line for text."""
        for scheme in ("light", "dark"):
            page = self.open(self.proxy.port, color_scheme=scheme)
            page.wait_for_text("#pulse", "live")
            page.wait_for_text("#alarms", "none")
            seen = {"system": self.contrasts(page)}
            for theme in ("light", "dark"):
                page.page.focus("#theme")
                page.page.keyboard.press("Space")
                self.assertEqual(page.text("#theme"), f"Theme: {theme}")
                seen[theme] = self.contrasts(page)
            self.keep_screenshot(page, f"{scheme}-dark")
            self.assertEqual(seen["system"], seen[scheme])
            self.assertNotEqual(seen["light"], seen["dark"])
            for theme, contrasts in seen.items():
                for selector, contrast in contrasts.items():
                    self.assertGreaterEqual(contrast, 4.5, (theme, selector))

    def contrasts(self, page):
        return page.page.evaluate("""() => {
          const light = (colour) => {
            const [r, g, b] = colour.match(/[\\d.]+/g).map((c) => c / 255).map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
            return .2126 * r + .7152 * g + .0722 * b;
          };
          const behind = (node) => {
            const colour = getComputedStyle(node).backgroundColor;
            return colour === "rgba(0, 0, 0, 0)" ? behind(node.parentElement) : colour;
          };
          return Object.fromEntries(["h1", "#host", "#pulse", "#leader", "dt", "td", "caption", ".note", "#members a", "#theme", ".badge"]
            .map((selector) => [selector, document.querySelector(selector)]).filter(([, node]) => node).map(([selector, node]) => {
              const [a, b] = [light(getComputedStyle(node).color), light(behind(node))].sort((x, y) => y - x);
              return [selector, (a + .05) / (b + .05)];
            }));
        }""")


def main():
    arguments = sys.argv[1:]
    while arguments[:1] and arguments[0][2:] in PROGRAMS:
        PROGRAMS[arguments[0][2:]] = str(pathlib.Path(arguments[1]).resolve())
        del arguments[:2]
    try:
        Ui.path = browser.find()
        unittest.main(module="__main__", argv=[sys.argv[0], "-v", *arguments], warnings="ignore")
    finally:
        shutil.rmtree(WORK, ignore_errors=True)


if __name__ == "__main__":
    main()
