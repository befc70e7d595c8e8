# Timbre in one image: web, calls, cpu, beat, engine and setup are commands of it (deploy/run.py).
# Runs as user 10001 without capabilities; writes to /data and /tmp only, so its disk may be read-only.
# It wants an init in front (`docker run --init`, `init: true`): some processes have children of their own.

FROM python:3.12-slim-bookworm AS packages
COPY requirements.txt /requirements.txt
# Wheels only, each the one that was checked in: nothing is compiled, no compiler is needed.
RUN python -m venv /opt/timbre
RUN /opt/timbre/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r /requirements.txt

FROM python:3.12-slim-bookworm
RUN groupadd --gid 10001 timbre && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin timbre && install -d -m 700 -o timbre -g timbre /data
COPY --from=packages /opt/timbre /opt/timbre
COPY . /srv/timbre
WORKDIR /srv/timbre
ENV PATH=/opt/timbre/bin:$PATH \
    DJANGO_SETTINGS_MODULE=s2s_site.settings \
    DATA_DIR=/data \
    HOST=0.0.0.0 \
    PORT=8000 \
    MALLOC_ARENA_MAX=2 \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1 \
    MKL_NUM_THREADS=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONUTF8=1
# Compiled here, because a read-only disk can't keep what Python compiles while it runs.
RUN chmod -R a+rX /srv/timbre && python -m compileall -q /srv/timbre
RUN DATA_DIR=/tmp/build python manage.py check && rm -rf /tmp/build
ENV PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 CMD ["python", "-m", "deploy.healthy", "web"]
ENTRYPOINT ["python", "-m", "deploy.run"]
CMD ["web"]
