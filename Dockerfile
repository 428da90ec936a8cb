# The agent alone, without the sandbox tenant. Non-root; works with a read-only root file system and a tmpfs on /tmp.
# Nothing here needs a browser download: Debian's headless shell is smaller, faster and does not phone home.
# How to run it: docs/how-to/container.md
ARG BASE=debian:bookworm-slim
FROM ${BASE}

# A file with extra certificate authorities for pip, where the build network needs one. Not kept in the image.
ARG PIP_CERT
# Which locked requirements: runtime (the embedded queue), or postgres (several hosts).
ARG EXTRAS=runtime

RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      ca-certificates chromium-headless-shell fonts-liberation libatomic1 python3 python3-venv tini \
 && apt-get clean && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/agent
COPY requirements/runtime.txt requirements/postgres.txt requirements/
RUN python3 -m venv /opt/venv \
 && /opt/venv/bin/python -m pip install --no-cache-dir --require-hashes -r "requirements/${EXTRAS}.txt"

COPY agent agent
COPY flows flows
COPY selectors selectors
# A named volume takes owner and mode of the folder that it covers, so each is made here, for the agent's user alone.
RUN printf '%s\n' /opt/agent > "$(/opt/venv/bin/python -c 'import site; print(site.getsitepackages()[0])')/agent.pth" \
 && printf '#!/bin/sh\nexec /opt/venv/bin/python -m agent "$@"\n' > /usr/local/bin/agent && chmod 755 /usr/local/bin/agent \
 && /opt/venv/bin/python -m compileall -q agent flows \
 && groupadd --gid 10001 agent && useradd --create-home --no-log-init --uid 10001 --gid 10001 agent \
 && install -d -m 0755 /etc/agent \
 && install -d -m 0700 -o agent -g agent \
      /data /data/queue /data/evidence /data/state /data/keyring /data/inbox

# Settings come from a file that is mounted; where things are kept is the image's own business.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    AGENT_BROWSER=/usr/bin/chromium-headless-shell \
    AGENT_SETTINGS=/etc/agent/agent.toml \
    AGENT_PATHS__EVIDENCE=/data/evidence \
    AGENT_PATHS__STATE=/data/state \
    AGENT_QUEUE__FILE=/data/queue/queue.db \
    AGENT_API__SOCKET=/data/state/agent.sock \
    PYTHON_KEYRING_BACKEND=agent.credentials.sealed_file.SealedFileKeyring \
    AGENT_KEYRING_FILE=/data/keyring/keyring.sealed \
    AGENT_KEYRING_KEY_FILE=/run/secrets/agent-keyring-key
USER 10001:10001
WORKDIR /data
VOLUME /data
# Longer at the start: evidence of a killed agent is completed first.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["agent", "health"]
# An init, so that dead Chromium processes are reaped; not `tini -g`, which would kill the browser's driver before traces are saved.
ENTRYPOINT ["/usr/bin/tini", "--", "agent"]
CMD ["run"]
