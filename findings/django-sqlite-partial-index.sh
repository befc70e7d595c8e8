#!/bin/sh
# Django on SQLite: a queryset that a partial index answers is compiled anew each time that it runs.
#
# Django 5.2.19, APSW 3.54.1.0 (SQLite 3.54.1 inside; 3.40.1 of Python's own module does the same). A queue's jobs have
# an index of those that wait: Index(condition=Q(status="waiting")). Django writes the condition's value into the index,
# and hands over that of a filter as a parameter. SQLite takes the index nevertheless, because it looks at the values; for
# that it throws the statement's program away whenever a value is bound to that place, the same one too, and compiles the
# SQL again. No cache of statements helps, neither Python's nor one's own. With the value in the SQL the same index is
# taken and the program stays. What is counted are the questions of SQLite's compiler to the connection's authorizer,
# which is asked while a statement is compiled and never while it runs.
#
# Output seen (the questions of four runs, and the plan):
#   as Django writes it: [8, 4, 4, 4] SEARCH job USING COVERING INDEX waiting (endpoint=?)
#   with the value in it: [4, 0, 0, 0] SEARCH job USING COVERING INDEX waiting (endpoint=?)
#   without the condition: [3, 0, 0, 0] SEARCH job USING COVERING INDEX places (endpoint=?)
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q django==5.2.19 apsw==3.54.1.0
cat > "$folder/try.py" <<'PY'
import sys

import apsw
import django
from django.conf import settings
from django.db import connection, models

settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
django.setup()


class Job(models.Model):
    endpoint = models.IntegerField()
    status = models.CharField(max_length=10)

    class Meta:
        app_label = "queue"
        db_table = "job"
        indexes = [
            models.Index(fields=["endpoint"], condition=models.Q(status="waiting"), name="waiting"),
            models.Index(fields=["endpoint", "id"], name="places"),
        ]


with connection.schema_editor(collect_sql=True) as editor:
    editor.create_model(Job)
database = apsw.Connection(":memory:")
for statement in editor.collected_sql:
    database.execute(statement)
asked = 0


def authorize(*_about):
    global asked
    asked += 1
    return apsw.SQLITE_OK


def look(name, sql, values):
    global asked
    sql, counts = sql.replace("%s", "?"), []
    for _ in range(4):
        asked = 0
        list(database.execute(sql, values))
        counts.append(asked)
    plan = list(database.execute(f"EXPLAIN QUERY PLAN {sql}", values))[0][3]
    print(f"{name}: {counts} {plan}")
    return counts[1:], plan.split(" INDEX ")[-1].split()[0]


database.authorizer = authorize
waiting = Job.objects.filter(endpoint=1, status="waiting").values_list("id")
sql, values = waiting.query.sql_with_params()
place = sql.rindex("%s")
written = look("as Django writes it", sql, values)
inside = look("with the value in it", sql[:place] + "'waiting'" + sql[place + 2 :], values[:-1])
without = look("without the condition", *Job.objects.filter(endpoint=1).values_list("id").query.sql_with_params())
if (written, inside, without) != (([4, 4, 4], "waiting"), ([0, 0, 0], "waiting"), ([0, 0, 0], "places")):
    sys.exit("it has changed")
PY
"$folder/venv/bin/python" "$folder/try.py"
