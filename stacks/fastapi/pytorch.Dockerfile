# BASE is the torch base image: its environment already has what pytorch.txt names of torch.
ARG BASE
FROM ${BASE}
WORKDIR /opt/stackserver
COPY requirements/server.txt requirements/pytorch.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/server.txt \
 && pip install --no-cache-dir --require-hashes -r requirements/pytorch.txt
COPY stackserver stackserver
RUN python -m compileall -q stackserver
EXPOSE 8000
USER 65532:65532
ENTRYPOINT ["python", "-m", "stackserver"]
