# The ledger as a service: relay, projection workers, commands. PostgreSQL and Kafka run beside it.
FROM python:3.13-slim

RUN useradd --system --create-home --uid 10001 ledger
WORKDIR /app
COPY requirements.txt pyproject.toml README.md LICENSE ./
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt
COPY schemas schemas
COPY ledger ledger
COPY projections projections
COPY consumers consumers
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
    && install -d -o ledger /var/lib/ledger
USER ledger
ENV LEDGER_DATA=/var/lib/ledger PYTHONUNBUFFERED=1
ENTRYPOINT ["ledger"]
CMD ["--help"]
