ARG BASE=python:3.11-slim
FROM ${BASE}
RUN python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /opt/stackserver
COPY requirements/server.txt requirements/onnxruntime.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/server.txt \
 && pip install --no-cache-dir --require-hashes -r requirements/onnxruntime.txt
COPY stackserver stackserver
RUN python -m compileall -q stackserver
EXPOSE 8000
USER 65532:65532
ENTRYPOINT ["python", "-m", "stackserver"]
