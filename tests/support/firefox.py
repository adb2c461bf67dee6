"""A page of earshot's in headless Firefox, driven by WebDriver BiDi, which Firefox speaks itself.

Playwright wants a Firefox of its own making; this is Debian's, which people have.
"""

import itertools
import json
import os
import re
import subprocess

import pytest

from support import hardware

PREFERENCES = {
    "media.navigator.permission.disabled": True,  # pages get the microphone without a question
    "network.proxy.type": 1,  # by hand: to a port where nobody answers, so that it is off line
    "network.proxy.socks": "127.0.0.1",
    "network.proxy.socks_port": 9,
}
ADDRESS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
ASKED = "network.beforeRequestSent"
PATIENCE_S = 120
CALL = "async (given) => JSON.stringify(await ({})(JSON.parse(given)) ?? null)"


class Page:
    """A page in a browser of its own; ``asked`` has the addresses that were asked for.

    Parameters
    ----------
    folder : Path
        Where its profile goes, and what it says.
    path : Path
        Of the page.
    """

    def __init__(self, folder, path):
        hardware.need("firefox-esr")
        websocket = pytest.importorskip("websocket")
        profile, log = folder / "profile", folder / "firefox.log"
        profile.mkdir(parents=True)
        lines = [f'user_pref("{name}", {json.dumps(x)});' for name, x in PREFERENCES.items()]
        (profile / "user.js").write_text("\n".join(lines))
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                ["firefox-esr", "--headless", "--profile", profile, "--remote-debugging-port=0"],
                env={**os.environ, "HOME": str(folder)}, stdout=file, stderr=file,
                start_new_session=True,
            )  # fmt: skip
        self.asked, self.numbers, self.url = [], itertools.count(), f"file://{path}"
        try:
            (address,) = hardware.wait_for(
                lambda: ADDRESS.findall(log.read_text()), "Firefox", PATIENCE_S
            )
            self.socket = websocket.create_connection(
                f"{address}/session", timeout=PATIENCE_S, suppress_origin=True
            )
            self._tell("session.new", capabilities={})
            self._tell("session.subscribe", events=[ASKED])
            self.context = self._tell("browsingContext.getTree")["contexts"][0]["context"]
            self._tell("browsingContext.navigate", context=self.context, url=self.url)
        except BaseException:
            self.close()
            raise

    def _tell(self, method, **parameters):
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while (answer := json.loads(self.socket.recv())).get("id") != number:
            if answer["method"] == ASKED:
                self.asked.append(answer["params"]["request"]["url"])
        assert answer["type"] == "success", answer
        return answer["result"]

    def evaluate(self, function, given=None):
        """Call a function of JavaScript as if by the press of a key; gives what it gives."""
        told = self._tell(
            "script.callFunction", functionDeclaration=CALL.format(function), awaitPromise=True,
            arguments=[{"type": "string", "value": json.dumps(given)}], userActivation=True,
            target={"context": self.context},
        )  # fmt: skip
        assert told["type"] == "success", told["exceptionDetails"]["text"]
        return json.loads(told["result"]["value"])

    def wait_for(self, condition, patience_s=PATIENCE_S):
        """Wait until an expression of JavaScript is true."""
        hardware.wait_for(lambda: self.evaluate(f"() => !!({condition})"), condition, patience_s)

    def close(self):
        """Close the browser."""
        self.process.terminate()
        self.process.wait()
