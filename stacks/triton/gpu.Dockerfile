# The official release, and what the preprocessing models need in its own Python.
ARG BASE=nvcr.io/nvidia/tritonserver:26.07-py3
FROM ${BASE}
COPY requirements/gpu.txt /opt/requirements/
RUN pip install --no-cache-dir --require-hashes -r /opt/requirements/gpu.txt
COPY stackserver /opt/stackbench/stackserver
RUN python3 -c "import pathlib, site; pathlib.Path(site.getsitepackages()[0], 'stackbench.pth').write_text('/opt/stackbench')"
EXPOSE 8000 8001 8002
USER 65532:65532
ENTRYPOINT ["/opt/nvidia/nvidia_entrypoint.sh", "/opt/tritonserver/bin/tritonserver"]
