# syntax=docker/dockerfile:1
#   docker build -t lecture-assistant .        (podman, buildah: --format docker, or HEALTHCHECK is left out)
#   docker run --name lectures -p 8000:8000 -v lectures:/data lecture-assistant
#   docker exec lectures assistant keys create NAME        (before the first key every request is refused)
FROM python:3.13-slim AS build
RUN python -m venv /opt/assistant
ENV PATH=/opt/assistant/bin:$PATH
# The CPU build, so that no CUDA library comes along.
RUN pip install --no-cache-dir torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY corpus corpus
COPY assistant assistant
COPY api api
RUN pip install --no-cache-dir .

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home assistant && install -d -o assistant /data
COPY --from=build /opt/assistant /opt/assistant
ENV PATH=/opt/assistant/bin:$PATH ASSISTANT_HOME=/data
USER assistant
VOLUME /data
EXPOSE 8000
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz')"]
CMD ["assistant", "serve", "--host", "0.0.0.0"]
