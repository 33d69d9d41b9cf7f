"""Start Rune's MCP server; while Rune is not set up, stand in for it.

The plugin names this file and the system's python3 runs it (standard library only, Python 3.9 syntax):
nothing else is known of a machine on which only the plugin was installed. ``rune setup`` writes into
``launch.json`` how to start Rune's own Python. Without it the two tools are there all the same and say what
is missing: a client never sees a server that crashed. ``tools.json`` is what ``rune.mcp`` offers; a test
compares the two.
"""

import json
import os
import shlex
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "hooks"))

import _link  # noqa: E402 - the hooks' folder is known only now

PROTOCOL = "2025-06-18"
MISSING = (
    "Rune is installed but not set up on this machine, so nothing can be recalled or written down yet. "
    "Sessions are captured already, and setup makes memories of them. Tell the user to run once, in a clone "
    "of Rune's repository: `make setup`, then `.venv/bin/rune setup`; or, in an environment of their own "
    f"with Python 3.11 or newer: `pip install {shlex.quote(os.path.dirname(HERE))}`, then `rune setup`. "
    "After that to reconnect with `/mcp` or to start a new session. Go on without memory until then."
)
AGAIN = "; run `rune setup` again, then reconnect with `/mcp` or start a new session. Go on without memory."
READY = "Rune is set up by now: reconnect with `/mcp` or start a new session; go on without it until then."
INSTRUCTIONS = "Rune, the memory of this project's earlier sessions, is installed but not usable yet. "


def main():
    """Become Rune's server, or stand in for it."""
    argv, problem = command()
    if argv:
        # Started in the user's project: a mcp.py or rune.py that lies there must not be imported.
        os.environ["PYTHONSAFEPATH"] = "1"
        try:
            os.execv(argv[0], [*argv, "mcp"])  # noqa: S606 - no shell is what is wanted
        except OSError as error:
            problem = f"{argv[0]} cannot be executed ({error.strerror}){AGAIN}"
    threading.Thread(target=leave_with, args=(os.getppid(),), daemon=True).start()
    serve(problem)


def command():
    """How to start Rune's Python, or an empty list and the reason why there is none."""
    path = "launch.json"
    try:
        path = os.path.join(_link.home(), path)
        with open(path, encoding="utf-8") as file:
            raw = json.load(file)
        version, argv = raw["v"], raw["argv"]
    except FileNotFoundError:
        return [], MISSING
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [], f"{path} cannot be read ({error!r}){AGAIN}"
    if version != 1 or not (isinstance(argv, list) and argv and all(isinstance(word, str) for word in argv)):
        return [], f"{path} was written by another version of Rune: update the plugin{AGAIN}"
    if not os.access(argv[0], os.X_OK):
        return [], f"the Python that Rune was set up with is gone ({argv[0]}){AGAIN}"
    return argv, ""


def leave_with(parent):
    """Leave when the client dies: its end of stdin may live on in another process."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)


def serve(problem):
    """Speak MCP on stdin and stdout until stdin ends."""
    with open(os.path.join(HERE, "tools.json"), encoding="utf-8") as file:
        tools = json.load(file)
    for line in sys.stdin.buffer:
        try:
            request = json.loads(line)
        except ValueError:
            answer = {"id": None, "error": {"code": -32700, "message": "expected one JSON object per line"}}
        else:
            answer = reply(request, tools, problem)
        if answer is not None:
            print(json.dumps({"jsonrpc": "2.0", **answer}), flush=True)


def reply(request, tools, problem):
    """The answer to one message; None to a notification."""
    if not isinstance(request, dict) or "method" not in request:
        return {"id": None, "error": {"code": -32600, "message": "expected a JSON-RPC request"}}
    if "id" not in request:
        return None
    method, params = request["method"], request.get("params")
    params = params if isinstance(params, dict) else {}
    if method == "initialize":
        result = hello(params.get("protocolVersion") or PROTOCOL, problem)
    elif method == "ping":
        result = {}
    elif method == "tools/list":
        result = {"tools": tools}
    elif method == "tools/call" and params.get("name") in [tool["name"] for tool in tools]:
        result = call(params["name"], READY if command()[0] else problem)
    else:
        message = f"Rune is not set up and knows no {method} {params.get('name', '')}"
        return {"id": request["id"], "error": {"code": -32601, "message": message}}
    return {"id": request["id"], "result": result}


def hello(protocol, problem):
    """The answer to ``initialize``: these few methods are the same in every version of the protocol."""
    return {
        "protocolVersion": protocol,
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "rune", "title": "Rune", "version": "0"},
        "instructions": INSTRUCTIONS + problem,
    }


def call(name, problem):
    """What the tool would have answered, had it been able to: the fields of ``rune.mcp``."""
    if name == "rune_recall":
        result = {"answer": "", "abstained": problem}
    else:
        result = {"stored": False, "problem": problem}
    return {"content": [{"type": "text", "text": json.dumps(result)}], "structuredContent": result}


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(0)
