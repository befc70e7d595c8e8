#!/bin/sh
# httpx: reading the first piece of a streamed answer hangs up, unless somebody keeps the iterator.
#
# httpx 0.28.1, httpcore 1.0.9, CPython 3.11. `next(response.iter_raw())` inside `with httpx.stream(...)` gives the first
# piece, and the iterator, which nobody holds, is collected at once. Its end closes the connection: the response is not
# marked as closed, the `with` block goes on, and the server, which is still making the rest, finds that its client has
# left. With the iterator in a variable the connection stays. Whoever looks at the first sound of a stream and then waits
# measures a server that has stopped working.
#
# Output seen:
#   iterator let go: response.is_closed False, the server is told that its client has left: True
#   iterator kept:   response.is_closed False, the server is told that its client has left: False
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q httpx==0.28.1 httpcore==1.0.9
cat > "$folder/try.py" <<'PY'
import socket
import threading

import httpx

WAIT_S = 3


def serve(listener, heard):
    connection, _address = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        connection.settimeout(WAIT_S)
        try:
            heard.append(connection.recv(1) == b"")  # the client's end of the line
        except TimeoutError:
            heard.append(False)
        else:
            return
        connection.sendall(b"0\r\n\r\n")


def look(kept):
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener, heard))
        server.start()
        with httpx.stream("GET", f"http://127.0.0.1:{listener.getsockname()[1]}/") as response:
            if kept:
                pieces = response.iter_raw()
                assert next(pieces) == b"first"
            else:
                assert next(response.iter_raw()) == b"first"
            closed = response.is_closed
            server.join()
    left = heard == [True]
    name = "iterator kept:  " if kept else "iterator let go:"
    print(f"{name} response.is_closed {closed}, the server is told that its client has left: {left}", flush=True)
    return closed, left


seen = look(kept=False), look(kept=True)
raise SystemExit(seen != ((False, True), (False, False)))
PY
"$folder/venv/bin/python" "$folder/try.py"
