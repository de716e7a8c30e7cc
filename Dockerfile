# docker build -t heliograph .    Without extras (aws, nats, parquet, sftp, cjk): --build-arg REQUIREMENTS=production
FROM python:3.13-slim AS build
ARG REQUIREMENTS=production-extras
RUN python -m venv /opt/heliograph
WORKDIR /src
COPY requirements requirements
RUN /opt/heliograph/bin/pip install --no-cache-dir --require-hashes -r "requirements/${REQUIREMENTS}.txt"
COPY pyproject.toml README.md LICENSE ./
COPY heliograph heliograph
RUN /opt/heliograph/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --system --uid 10001 heliograph && install --directory --owner heliograph --mode 0700 /data
COPY --from=build /opt/heliograph /opt/heliograph
USER heliograph
ENV PATH=/opt/heliograph/bin:$PATH HELIOGRAPH_DATA=/data HELIOGRAPH_LISTEN=0.0.0.0:8025
VOLUME /data
EXPOSE 8025
HEALTHCHECK --start-period=30s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8025/readyz', timeout=5)"]
ENTRYPOINT ["heliograph"]
CMD ["serve"]
