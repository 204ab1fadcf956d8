# BASE is the torch base image: its environment already has what pytorch.txt names of torch.
# It runs as root, since the mounted model store belongs to, and may be readable by, none but whoever prepared it.
ARG BASE
FROM ${BASE}
WORKDIR /opt/stackserver
COPY requirements/server.txt requirements/pytorch.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/server.txt \
 && pip install --no-cache-dir --require-hashes -r requirements/pytorch.txt
COPY stackserver stackserver
RUN python -m compileall -q stackserver
EXPOSE 8000
ENTRYPOINT ["python", "-m", "stackserver"]
