"""The Django project: settings, urls, Celery, WSGI, health, and the supervisor behind bin/start."""
