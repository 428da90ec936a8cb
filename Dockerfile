# The agent alone, without the sandbox tenant. Non-root; works with a read-only root file system and a tmpfs on /tmp.
# Nothing here needs a browser download: Debian's headless shell is smaller, faster and does not phone home.
ARG BASE=debian:bookworm-slim
FROM ${BASE}

# A file with extra certificate authorities for pip, where the build network needs one. Not kept in the image.
ARG PIP_CERT

RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      ca-certificates chromium-headless-shell fonts-liberation libatomic1 python3 python3-venv tini \
 && apt-get clean && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/agent
COPY requirements/runtime.txt requirements/runtime.txt
RUN python3 -m venv /opt/venv \
 && /opt/venv/bin/python -m pip install --no-cache-dir --require-hashes -r requirements/runtime.txt

COPY agent agent
COPY flows flows
COPY selectors selectors
RUN printf '%s\n' /opt/agent > "$(/opt/venv/bin/python -c 'import site; print(site.getsitepackages()[0])')/agent.pth" \
 && printf '#!/bin/sh\nexec /opt/venv/bin/python -m agent "$@"\n' > /usr/local/bin/agent && chmod 755 /usr/local/bin/agent \
 && /opt/venv/bin/python -m compileall -q agent flows \
 && useradd --system --create-home --uid 10001 agent \
 && mkdir -p /data && chown agent:agent /data

ENV PATH=/opt/venv/bin:$PATH \
    AGENT_BROWSER=/usr/bin/chromium-headless-shell \
    PYTHONUNBUFFERED=1 \
    PYTHON_KEYRING_BACKEND=agent.credentials.sealed_file.SealedFileKeyring \
    AGENT_KEYRING_FILE=/data/keyring.sealed \
    AGENT_KEYRING_KEY_FILE=/run/secrets/agent-keyring-key
USER 10001
WORKDIR /data
VOLUME /data
# An init, so that dead Chromium processes are reaped; not `tini -g`, which would kill the browser's driver before traces are saved.
ENTRYPOINT ["/usr/bin/tini", "--", "agent"]
CMD ["--help"]
