# The server comes out of NVIDIA's own wheel for Python clients, which holds it with its python backend and no other.
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends libpython3.11 \
 && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/venv
# The backend's helper takes the first python3 on PATH, and heeds no PYTHONPATH.
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 LD_LIBRARY_PATH=/opt/venv/lib/python3.11/site-packages/nvidia_pytriton.libs
COPY requirements/server.txt requirements/cpu.txt /opt/requirements/
RUN pip install --no-cache-dir --no-deps --require-hashes -r /opt/requirements/server.txt \
 && pip install --no-cache-dir --require-hashes -r /opt/requirements/cpu.txt \
 && ln -s /opt/venv/lib/python3.11/site-packages/pytriton/tritonserver /opt/tritonserver \
 && cp /opt/tritonserver/python_backend_stubs/3.11/triton_python_backend_stub /opt/tritonserver/backends/python/
COPY stackserver /opt/venv/lib/python3.11/site-packages/stackserver
EXPOSE 8000 8001 8002
USER 65532:65532
ENTRYPOINT ["/opt/tritonserver/bin/tritonserver"]
